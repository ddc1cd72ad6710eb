import { ERASURE_TYPE, type Event } from './event.ts'
import type { EventType } from './event-type.ts'
import { formatBytes, MAX_EVENT_BYTES, MAX_FOLDABLE_BYTES } from './limits.ts'
import { type Projection, projectionsOf } from './projection.ts'
import { isStoredRow } from './stored-event.ts'
import { mostStoredBytes, storedBytes } from './stored-json.ts'

/** What decides which events are rows of their types. */
export interface TypeRules {
  readonly eventTypes: ReadonlyMap<string, EventType>
}

/** What decides which events of a record are folded. */
export interface FoldableRules extends TypeRules {
  readonly projections: readonly Projection[]
}

/** Where and when the stream received the events. */
export interface Placement {
  /** Milliseconds since 1970. */
  readonly arrived: number
  /** It decides the shard. Undefined if it is not known: then the user of the first event counts. */
  readonly partitionKey: string | undefined
}

/** An event, and the position of its line in its record. */
export interface PlacedEvent {
  readonly event: Event
  readonly position: number
}

/** An event that the item of its user decides. */
interface UsableEvent extends PlacedEvent {
  /** Why the item rejects the event; undefined if it can be folded. */
  readonly reason: string | undefined
}

/** An event that no item decides, and why. */
interface UnusableEvent extends PlacedEvent {
  readonly reason: string
}

export interface FoldableEvents {
  /** The events to fold, all of one user, or one erasure. */
  readonly usable: readonly UsableEvent[]
  readonly unusable: readonly UnusableEvent[]
}

/**
 * Separates the events of a record that a projection folds into those that the item of their user decides and those that no item
 * does. Ingest writes the events of one user, or one erasure, into a record; but anybody who may write to the stream can write any
 * lines. Versions of the code that fold other types, or know other rows, separate an event that both fold alike: else one could
 * fold what the other has quarantined.
 */
export const foldableEvents = (events: readonly PlacedEvent[], placement: Placement, rules: FoldableRules): FoldableEvents =>
  separate(
    events.filter(({ event }) => isFolded(event, rules)),
    factsOf(events, placement),
    rules,
  )

/** As `foldableEvents`, for events of every type: another version of the code may fold what this one does not. */
export const separateEvents = (events: readonly PlacedEvent[], placement: Placement, rules: TypeRules): FoldableEvents =>
  separate(events, factsOf(events, placement), rules)

function separate(events: readonly PlacedEvent[], facts: RecordFacts, rules: TypeRules): FoldableEvents {
  const usable: UsableEvent[] = []
  const unusable: UnusableEvent[] = []
  for (const { event, position } of events) {
    const reason = lacksUser(event, rules) ? WITHOUT_USER : problemOf(event, facts)
    if (reason === undefined) usable.push({ event, position, reason: isRow(event, rules) ? undefined : NOT_A_ROW })
    else unusable.push({ event, position, reason })
  }
  return { usable, unusable }
}

const isFolded = ({ type }: Event, { projections }: FoldableRules): boolean =>
  type === ERASURE_TYPE || projectionsOf(projections, type).length > 0

/** Far more than the clock of ingest can be ahead of the stream's: the order numbers of a user never go back. */
const MAX_CLOCK_AHEAD_MS = 30 * 86_400_000

interface RecordFacts extends Pick<Placement, 'arrived'> {
  /** The user that the record belongs to. */
  readonly owner: string | null | undefined
  readonly isErasure: boolean
}

const factsOf = ([first]: readonly PlacedEvent[], { arrived, partitionKey }: Placement): RecordFacts => ({
  arrived,
  owner: partitionKey ?? first?.event.subject,
  isErasure: first?.event.type === ERASURE_TYPE,
})

function problemOf(event: Event, { arrived, owner, isErasure }: RecordFacts): string | undefined {
  if (event.received - arrived > MAX_CLOCK_AHEAD_MS) return FROM_THE_FUTURE
  if (event.subject === null) return OF_NOBODY
  if (event.subject !== owner) return UNDER_ANOTHER_KEY
  if (isTooLarge(event)) return TOO_LARGE
  return isErasure === (event.type === ERASURE_TYPE) ? undefined : BESIDE_AN_ERASURE
}

/** The item that an event waits in until it is quarantined could not hold it: every attempt would fail, and stop the shard. */
const isTooLarge = ({ data }: Event): boolean =>
  mostStoredBytes(data) > MAX_FOLDABLE_BYTES && storedBytes(data) > MAX_FOLDABLE_BYTES

function isRow(event: Event, { eventTypes }: TypeRules): boolean {
  const type = eventTypes.get(event.type)
  return type === undefined || isStoredRow(event, type)
}

const FROM_THE_FUTURE =
  'It was received more than 30 days after it arrived in the stream; find out who else writes to the stream.'
const OF_NOBODY = 'It has no user; find out who else writes to the stream.'
/**
 * The record may be in another shard than the user's other records. Folding it would store its sequence number as the user's: later
 * records with lower numbers would be taken as folded already.
 */
const UNDER_ANOTHER_KEY =
  'Its record has another partition key than its user; find out who else writes to the stream. Replay it to put it into the shard of its user.'
const TOO_LARGE = `Its data is far larger than ingest accepts (${formatBytes(MAX_EVENT_BYTES)}); find out who else writes to the stream.`
const BESIDE_AN_ERASURE = 'Its record has an erasure and events; find out who else writes to the stream.'
const NOT_A_ROW =
  'Its row or its user does not match its type: another writer or another definition of the type made it. Replay it to validate it.'
const WITHOUT_USER = 'Ingest accepted it before its type was in the catalogue, so it has no user yet; replay it.'

/**
 * Whether ingest accepted the event before its type was in the catalogue. It cannot be folded here: its record is in the shard of
 * its id, and sequence numbers of other shards do not order with those of its user.
 */
function lacksUser({ type, subject, data }: Event, { eventTypes }: TypeRules): boolean {
  const definition = eventTypes.get(type)
  if (subject !== null || !definition?.hasUsers) return false
  try {
    return definition.user(data) !== null
  } catch {
    return true
  }
}
