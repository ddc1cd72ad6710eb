import { ERASURE_TYPE, type Event, identityHash } from '../../shared/event.ts'
import { separateEvents, type TypeRules } from '../../shared/foldable-events.ts'
import { shortHash, wholeSecondsOf } from '../../shared/memory/identities.ts'
import { IdentityMemory, type LoadedMemory, type MemoryRules } from '../../shared/memory/identity-memory.ts'
import { bySequenceNumber } from '../../shared/order.ts'
import { occurrenceAt, type QuarantinedEvent } from '../../shared/quarantine.ts'
import type { EventPosition, UserItem } from '../../shared/state.ts'
import type { UnfinishedRecord } from './plan-failures.ts'

export interface JudgeRules extends TypeRules {
  readonly memory: MemoryRules
}

/** A user's item, with the part of its memory that can matter to a record. */
export interface JudgedUser {
  readonly item: UserItem
  readonly loaded: LoadedMemory
}

/** A line of an unfinished record, with what decides it. */
export interface JudgedLine {
  readonly quarantined: QuarantinedEvent
  /** Undefined: no user's item decides the line. */
  readonly event: Event | undefined
  readonly at: EventPosition
}

/** The lines of a record, as the state function separates them. Its code may be newer and fold types that this code does not. */
export function judgedLines({ sequenceNumber, arrived, partitionKey, lines }: UnfinishedRecord, rules: JudgeRules): JudgedLine[] {
  const placed = lines.flatMap(({ event, position }) => (event ? { event, position } : []))
  const { usable } = separateEvents(placed, { arrived, partitionKey }, rules)
  const decided = new Set(usable.map(({ position }) => position))
  return lines.map(({ event, quarantined, position }) => ({
    quarantined,
    event: decided.has(position) ? event : undefined,
    at: { sequenceNumber, position },
  }))
}

/** The positions that are marked as quarantined: of events of the user, and of other lines. */
export interface Marked {
  readonly events: readonly EventPosition[]
  readonly lines: readonly EventPosition[]
}

/**
 * The lines of an unfinished record that must be quarantined. Later records of its user may have moved the item's sequence number
 * past it, so only identities tell what was folded: the user's memory has them. What is marked is in the quarantine already. Everything else is quarantined.
 */
export function undecidedLines(
  record: UnfinishedRecord,
  lines: readonly JudgedLine[],
  stored: JudgedUser | undefined,
  marked: Marked,
  rules: JudgeRules,
): JudgedLine[] {
  const events = lines.filter(hasEvent)
  // One put decides all events of a record, and only a record that is decided has marks.
  const decided = new Set(marked.events.length > 0 ? positionsOf(events) : rememberedPositions(record, events, stored, rules))
  const markedLines = new Set(marked.lines.map(occurrenceAt))
  const isDoubtful = stored !== undefined && mayBeForgotten(record, stored.item)
  return lines
    .filter(({ event, at }) => !(event ? decided : markedLines).has(occurrenceAt(at)))
    .map(line => (isDoubtful && line.event ? { ...line, quarantined: asDoubtful(line.quarantined, rules) } : line))
}

const positionsOf = (lines: readonly JudgedLine[]): string[] => lines.map(({ at }) => occurrenceAt(at))

export const hasEvent = (line: JudgedLine): line is JudgedLine & { readonly event: Event } => line.event !== undefined

/** The positions of the events that the user's memory has. */
function rememberedPositions(
  { sequenceNumber, arrived }: UnfinishedRecord,
  events: readonly (JudgedLine & { readonly event: Event })[],
  stored: JudgedUser | undefined,
  rules: JudgeRules,
): string[] {
  if (!stored) return []
  const memory = new IdentityMemory(stored.loaded, rules.memory)
  // The item ends with this record: the write decided all its events.
  const isLast = bySequenceNumber(stored.item.sequenceNumber, sequenceNumber) === 0
  const isRemembered = (event: Event): boolean =>
    memory.has({ hash: shortHash(identityHash(event)), arrived: wholeSecondsOf(arrived), stated: event.stated })
  return events.filter(({ event }) => isLast || isRemembered(event)).map(({ at }) => occurrenceAt(at))
}

/**
 * Whether the item may have folded events of this record and have forgotten their identities since: it contains later records. Each
 * of them forgets what is too old or too much, and a repeated event is as old as its first delivery.
 */
const mayBeForgotten = ({ sequenceNumber }: UnfinishedRecord, stored: UserItem): boolean =>
  bySequenceNumber(sequenceNumber, stored.sequenceNumber) <= 0

const MAY_BE_FOLDED = 'The states may contain it already, and have forgotten it: compare them before the replay.'
const MAY_BE_FOLDED_BY_NEWER_CODE =
  'Its type is not in the catalogue of this code. If newer code folds the type, the states may contain it already: compare them before the replay.'

function asDoubtful(event: QuarantinedEvent, { eventTypes }: JudgeRules): QuarantinedEvent {
  const isKnown = event.type === ERASURE_TYPE || eventTypes.has(event.type ?? '')
  const doubt = isKnown ? MAY_BE_FOLDED : MAY_BE_FOLDED_BY_NEWER_CODE
  return { ...event, message: `${event.message} ${doubt}`, mayHaveBeenFolded: true }
}
