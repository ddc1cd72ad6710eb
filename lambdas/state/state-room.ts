import { formatBytes, MAX_ITEM_STATE_BYTES, MAX_STATE_BYTES, MIN_STATE_SHARE_BYTES } from '../../shared/limits.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import type { UserItem } from '../../shared/state.ts'
import { storedBytes } from '../../shared/stored-json.ts'

type States = UserItem['states']

/** Why an event does not fit. Names the projection and sizes, not data. */
interface Misfit {
  readonly reason: string
}

/**
 * The states as they fit into a user's item beside these bytes of identities, or why they do not. `fed`: keys of the
 * projections that the event was folded into. Each of them must fit into its share of the item, so that none takes the room
 * of another. States of projections that are not deployed may use what is left.
 */
export function fitStates(
  states: States,
  fed: readonly string[],
  identityBytes: number,
  projections: readonly Projection[],
): { readonly states: States } | Misfit {
  const share = shareOf(projections, identityBytes)
  for (const key of fed) {
    const bytes = entryBytes(key, states[key])
    if (bytes > share)
      return { reason: `${key}: its state would need ${formatBytes(bytes)}. Its share of the item is ${formatBytes(share)}.` }
  }
  return dropUnused(states, MAX_ITEM_STATE_BYTES - identityBytes, projections)
}

/** Each projection with a state per user has the same share of what the identities leave. */
function shareOf(projections: readonly Projection[], identityBytes: number): number {
  const count = projections.filter(({ grain }) => grain.parts === undefined).length
  return Math.max(MIN_STATE_SHARE_BYTES, Math.floor((MAX_STATE_BYTES - identityBytes) / Math.max(1, count)))
}

/**
 * Drops states of projections that are not deployed, oldest first, until the rest fits. They stay as long as there is room,
 * because a roll-back continues with them.
 */
function dropUnused(states: States, room: number, projections: readonly Projection[]): { readonly states: States } | Misfit {
  const kept = new Map(Object.entries(states))
  let bytes = [...kept].reduce((sum, [key, state]) => sum + entryBytes(key, state), 0)
  if (bytes <= room) return { states }
  const deployed = new Set(projections.map(projectionKey))
  for (const [key, state] of kept) {
    if (bytes <= room) break
    if (deployed.has(key)) continue
    kept.delete(key)
    bytes -= entryBytes(key, state)
  }
  return bytes <= room
    ? { states: Object.fromEntries(kept) }
    : { reason: `All states of the user would need ${formatBytes(bytes)}. Its item has room for ${formatBytes(room)}.` }
}

/** Bytes of a state in the JSON of all states: its key, a colon, the state and a comma. */
const entryBytes = (key: string, state: unknown): number => storedBytes(key) + ':,'.length + storedBytes(state)
