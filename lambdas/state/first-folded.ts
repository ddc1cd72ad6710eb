import type { FirstFolded } from '../../shared/state.ts'

/** A number before every record. */
const BEGIN = '0'

/**
 * What a shard has after a function with these projections has begun to read it, at `sequenceNumber`. A shard without a note
 * gets all projections from its begin. A projection that the function does not know is dropped: if it returns after a roll-back,
 * it has missed the records between.
 */
export function planFirstFolded(stored: FirstFolded | undefined, keys: readonly string[], sequenceNumber: string): FirstFolded {
  return Object.fromEntries(keys.map(key => [key, stored === undefined ? BEGIN : (stored[key] ?? sequenceNumber)]))
}
