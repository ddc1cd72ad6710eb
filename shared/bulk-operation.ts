/** One line of a bulk request. Versions are external: the greater one wins, the same one again changes nothing. */
export type BulkOperation = { readonly index: string; readonly id: string } & (
  | { readonly action: 'index'; readonly version: number; readonly document: Readonly<Record<string, unknown>> }
  | { readonly action: 'delete'; readonly version: number }
  /** Written only where there is no such document yet. */
  | { readonly action: 'create'; readonly document: Readonly<Record<string, unknown>> }
)
