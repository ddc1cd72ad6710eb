import { type Event, identityHash } from '../../shared/event.ts'
import { type IdentityWindow, identitiesFrom, recordHash, shortHash } from '../../shared/identities.ts'
import { bySequenceNumber } from '../../shared/order.ts'
import { folds, type Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { EventPosition, UserItem } from '../../shared/state.ts'
import type { UnfinishedLine, UnfinishedRecord } from './plan-failures.ts'

export interface JudgeRules {
  readonly projections: readonly Projection[]
  readonly identities: IdentityWindow
}

/** A line with an event that the state function folds or passes over. */
interface FoldedLine {
  readonly event: Event
  readonly at: EventPosition
}

/** The user of a record; null if the state function folds none of its events. */
export const userOf = (record: UnfinishedRecord, { projections }: JudgeRules): string | null =>
  foldedLines(record, projections)[0]?.event.subject ?? null

/** The positions of a record's events as the state function counts them. */
export const positionsOf = (record: UnfinishedRecord, { projections }: JudgeRules): EventPosition[] =>
  foldedLines(record, projections).map(({ at }) => at)

/**
 * The events of an unfinished record that must be quarantined. Later records of its user may have moved the item's sequence
 * number past it, so only identities tell what was folded: the item remembers an event or its whole record. `settled` holds the
 * positions of events that are in the quarantine already. Everything else is quarantined.
 */
export function undecidedEvents(
  record: UnfinishedRecord,
  stored: UserItem | undefined,
  settled: readonly EventPosition[],
  rules: JudgeRules,
): QuarantinedEvent[] {
  const lines = foldedLines(record, rules.projections)
  const remembered = rememberedPositions(record, lines, stored, rules)
  const passedOver = new Set(settled.map(({ position }) => position))
  const decided = new Set(
    lines.filter(({ at }) => remembered.has(at.position) || passedOver.has(at.position)).map(({ event }) => event),
  )
  const doubtful = stored !== undefined && mayBeForgotten(record, stored, rules.identities)
  return record.lines
    .filter(({ event }) => event === undefined || !decided.has(event))
    .map(line => (doubtful && isFolded(line, rules.projections) ? asDoubtful(line.quarantined) : line.quarantined))
}

const isFolded = ({ event }: UnfinishedLine, projections: readonly Projection[]): boolean =>
  event !== undefined && event.subject !== null && projections.some(projection => folds(projection, event.type))

const foldedLines = ({ sequenceNumber, lines }: UnfinishedRecord, projections: readonly Projection[]): FoldedLine[] =>
  lines
    .flatMap(line => (line.event && isFolded(line, projections) ? [line.event] : []))
    .map((event, position) => ({ event, at: { sequenceNumber, position } }))

/** The positions of the events that the item remembers. */
function rememberedPositions(
  { sequenceNumber }: UnfinishedRecord,
  lines: readonly FoldedLine[],
  stored: UserItem | undefined,
  { identities }: JudgeRules,
): ReadonlySet<number> {
  if (!stored) return new Set()
  const hashes = lines.map(({ event }) => shortHash(identityHash(event)))
  const known = identitiesFrom(stored.identities, identities)
  const isWhole = identitiesFrom(stored.recordHashes, identities).has(recordHash(hashes))
  // The item ends with this record: the write decided all its events.
  const isLast = stored.sequenceNumber === sequenceNumber
  return new Set(lines.flatMap(({ at }, i) => (isWhole || isLast || known.has(hashes[i] ?? 0n) ? [at.position] : [])))
}

/** Whether the item may have folded events that arrived with this record and have forgotten their identities since. */
function mayBeForgotten({ sequenceNumber, arrived }: UnfinishedRecord, stored: UserItem, window: IdentityWindow): boolean {
  if (bySequenceNumber(sequenceNumber, stored.sequenceNumber) > 0) return false
  const { oldest, newest, count } = identitiesFrom(stored.identities, window).range()
  return newest - arrived > window.milliseconds || (count >= window.count && oldest > arrived)
}

const asDoubtful = (event: QuarantinedEvent): QuarantinedEvent => ({
  ...event,
  message: `${event.message} The states may contain it already, and have forgotten it: compare them before the replay.`,
  mayHaveBeenFolded: true,
})
