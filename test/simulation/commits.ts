import type { Attributes } from './table.ts'

/** What one put of a user's item decided. */
export interface Commit {
  /** The last record that it decided. */
  readonly seq: bigint
  /** The events that the item contains after it. */
  readonly ids: readonly string[]
  /** The events that it rejected, as `sequence number#position`. */
  readonly rejected: ReadonlySet<string>
}

export const positionOf = (seq: bigint, place: number): string => `${seq}#${place}`

/** The events that an item with attempts blames, as `sequence number#position`. */
export function blamedIn({ attempts }: Attributes): string[] {
  if (!attempts?.S) return []
  const { fatal } = JSON.parse(attempts.S) as { readonly fatal: readonly { sequenceNumber: string; position: number }[] }
  return fatal.map(({ sequenceNumber, position }) => positionOf(BigInt(sequenceNumber), position))
}

/** Reads a user's item as it was put. */
export function commitOf({ seq, st, passedOver }: Attributes): Commit {
  const { 'last-r1': last } = JSON.parse(st?.S ?? '{}') as { readonly 'last-r1'?: { readonly ids: readonly string[] } }
  const rejected = JSON.parse(passedOver?.S ?? '[]') as readonly (readonly [string, readonly number[]])[]
  return {
    seq: BigInt(seq?.S ?? 0),
    ids: last?.ids ?? [],
    rejected: new Set(rejected.flatMap(([record, places]) => places.map(place => positionOf(BigInt(record), place)))),
  }
}
