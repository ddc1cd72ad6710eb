import { type LoadDependencies, loadMemory } from '../../shared/memory/load-memory.ts'
import { occurrenceAt, type Quarantine, type QuarantinedEvent } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { EventPosition, UserItem } from '../../shared/state.ts'
import { redeliveryExpiry } from '../redelivery-expiry.ts'
import { settlePassedOver } from '../settle-passed-over.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { hasEvent, type JudgedLine, type JudgedUser, type JudgeRules, judgedLines, undecidedLines } from './judge-records.ts'
import type { UnfinishedRecord } from './plan-failures.ts'

export interface JudgeDependencies {
  readonly table: Pick<
    StateTable,
    'readUsers' | 'readPassedOver' | 'readQuarantined' | 'markQuarantined' | 'readQuarantinedLines' | 'markQuarantinedLines'
  >
  readonly pages: LoadDependencies['pages']
  readonly quarantine: Quarantine
  readonly rules: JudgeRules
  /** How long after its arrival a record can be delivered. */
  readonly retentionMs: number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface JudgedBatch {
  /** The events that are in no state: they must be quarantined. */
  readonly events: readonly QuarantinedEvent[]
  /** Marks them as quarantined, so that the batch can be judged again after they were replayed or discarded. */
  mark(): Promise<void>
}

/**
 * Judges a batch that the state function did not finish. Throws if the state table could not be read: then the batch is judged
 * again in the next run.
 */
export async function judgeBatch(records: readonly UnfinishedRecord[], dependencies: JudgeDependencies): Promise<JudgedBatch> {
  const { table, rules } = dependencies
  const judged = records.map(record => ({ record, lines: judgedLines(record, rules) }))
  const users = [...new Set(judged.flatMap(({ lines }) => userOf(lines) ?? []))]
  const items = await table.readUsers(users)
  if (items.size < users.length)
    throw new SafeError('Users of a batch that Lambda gave up could not be read. The next run judges the batch again.')
  const settling = { ...dependencies, marksExpire: redeliveryExpiry(dependencies.now(), dependencies.retentionMs) }
  for (const item of items.values()) if (item) await settlePassedOver(item, settling)
  const undecided: JudgedLine[] = []
  const marks: (() => Promise<void>)[] = []
  for (const { record, lines } of judged) {
    const user = userOf(lines)
    const marked = {
      events: user === undefined ? [] : await table.readQuarantined(user, positionsOf(lines.filter(hasEvent))),
      lines: await table.readQuarantinedLines(positionsOf(lines.filter(line => !hasEvent(line)))),
    }
    const stored = await judgedUser(user === undefined ? undefined : items.get(user), record, lines, dependencies)
    const missing = undecidedLines(record, lines, stored, marked, rules)
    undecided.push(...missing)
    marks.push(() => markAll(user, missing, dependencies))
  }
  return {
    events: undecided.map(({ at, quarantined }) => ({ ...quarantined, occurrence: occurrenceAt(at) })),
    mark: async () => {
      for (const mark of marks) await mark()
    },
  }
}

async function judgedUser(
  item: UserItem | undefined,
  { arrived }: UnfinishedRecord,
  lines: readonly JudgedLine[],
  { pages, rules: { memory }, now }: JudgeDependencies,
): Promise<JudgedUser | undefined> {
  if (!item) return undefined
  const lookups = lines.filter(hasEvent).map(({ event: { stated } }) => ({ arrived, stated }))
  return { item, loaded: await loadMemory(item, lookups, { pages, rules: memory, now }) }
}

/** The user whose item decides the record; undefined if no item decides any of its events. */
const userOf = (lines: readonly JudgedLine[]): string | undefined => lines.find(hasEvent)?.event.subject ?? undefined

const positionsOf = (lines: readonly JudgedLine[]): EventPosition[] => lines.map(({ at }) => at)

async function markAll(user: string | undefined, lines: readonly JudgedLine[], dependencies: JudgeDependencies): Promise<void> {
  const { table, now, retentionMs } = dependencies
  const ttl = redeliveryExpiry(now(), retentionMs)
  const events = positionsOf(lines.filter(hasEvent))
  if (user !== undefined && events.length > 0) await table.markQuarantined(user, events, ttl)
  const others = positionsOf(lines.filter(line => !hasEvent(line)))
  if (others.length > 0) await table.markQuarantinedLines(others, ttl)
}
