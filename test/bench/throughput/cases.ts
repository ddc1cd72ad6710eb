/** One way to process the same events twice: as the product does, and as a plain loop does. */
export interface Case {
  readonly name: string
  /** Events that one call of each processes. */
  readonly events: number
  readonly product: () => Promise<unknown> | unknown
  readonly plain: () => unknown
  /** The most CPU time that the product may take, as a multiple of the plain loop. Undefined: measured only. */
  readonly goal?: number
}
