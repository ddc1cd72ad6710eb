import { formatBytes, MAX_ITEM_STATE_BYTES, MAX_STATE_BYTES, MIN_STATE_SHARE_BYTES } from '../../shared/limits.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import type { UserItem } from '../../shared/state.ts'
import { storedBytes } from '../../shared/stored-json.ts'

type States = UserItem['states']

/** Why an event does not fit. Names the projection and sizes, not data. */
interface Misfit {
  readonly reason: string
}

/** The states after an event. `fed`: keys of the projections that the event was folded into. */
interface ChangedStates {
  readonly states: States
  readonly fed: readonly string[]
}

/**
 * The changed states as they fit into a user's item, or why they do not. Each projection that was fed must fit into its share of the item, so that none takes the room of another. A state that is larger, because the share has become
 * smaller, may still shrink. States of projections that are not deployed may use what is left.
 */
export function fitStates(
  before: States,
  { states, fed }: ChangedStates,
  projections: readonly Projection[],
  sizes: StateSizes,
): { readonly states: States } | Misfit {
  const share = shareOf(projections)
  for (const key of fed) {
    const bytes = sizes.of(key, states[key])
    if (bytes > share && bytes >= bytesBefore(before, key))
      return { reason: `${key}: its state would need ${formatBytes(bytes)}. Its share of the item is ${formatBytes(share)}.` }
  }
  return dropUnused(states, projections, sizes)
}

const bytesBefore = (before: States, key: string): number => (before[key] === undefined ? 0 : entryBytes(key, before[key]))

/** Each projection with a state per user has the same share of the item. */
function shareOf(projections: readonly Projection[]): number {
  const count = projections.filter(({ grain }) => grain.parts === undefined).length
  return Math.max(MIN_STATE_SHARE_BYTES, Math.floor(MAX_STATE_BYTES / Math.max(1, count)))
}

/**
 * Drops states of projections that are not deployed, oldest first, until the rest fits. They stay as long as there is room,
 * because a roll-back continues with them.
 */
function dropUnused(states: States, projections: readonly Projection[], sizes: StateSizes): { readonly states: States } | Misfit {
  let bytes = 0
  for (const key of Object.keys(states)) bytes += sizes.of(key, states[key])
  if (bytes <= MAX_ITEM_STATE_BYTES) return { states }
  const kept = new Map(Object.entries(states))
  const deployed = new Set(projections.map(projectionKey))
  for (const [key, state] of kept) {
    if (bytes <= MAX_ITEM_STATE_BYTES) break
    if (deployed.has(key)) continue
    kept.delete(key)
    bytes -= sizes.of(key, state)
  }
  return bytes <= MAX_ITEM_STATE_BYTES
    ? { states: Object.fromEntries(kept) }
    : {
        reason: `All states of the user would need ${formatBytes(bytes)}. Its item has room for ${formatBytes(MAX_ITEM_STATE_BYTES)}.`,
      }
}

/** Bytes of the states of one user in the JSON of all states. A state is measured once. */
export class StateSizes {
  private readonly measured = new Map<string, { readonly state: unknown; readonly bytes: number }>()

  of(key: string, state: unknown): number {
    const known = this.measured.get(key)
    if (known && known.state === state) return known.bytes
    const bytes = entryBytes(key, state)
    this.measured.set(key, { state, bytes })
    return bytes
  }
}

/** Its key, a colon, the state and a comma. */
const entryBytes = (key: string, state: unknown): number => storedBytes(key) + ':,'.length + storedBytes(state)
