import { bySequenceNumber } from '../../shared/order.ts'
import type { EventPosition, FoldAttempts } from '../../shared/state.ts'
import type { DecodedRecord } from './decode-record.ts'
import type { StateTable } from './dynamodb.ts'
import { type StoredUser, userFold } from './fold-record.ts'
import type { FoldTurns } from './fold-turns.ts'
import type { FoldRules, UserRecord } from './user-record.ts'

/** Records that are younger are folded without notes: no attempt at them can have failed for long. */
const UNNOTED_MS = 30_000
/** Attempts at a fold that may end without a result before its events are tried one by one. */
const MAX_UNFINISHED = 3

export interface SurviveDependencies {
  readonly table: Pick<StateTable, 'readAttempts' | 'writeAttempts'>
  readonly rules: FoldRules
  /** How long folds of a record may end without a result, in milliseconds. */
  readonly retryBudgetMs: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly turns: FoldTurns
}

/**
 * Runs `fold` so that an event that hangs it, or ends the process, is found and passed over: the attempt is noted before the fold
 * and removed after it. After some attempts without a result, and longer than the retry budget, the events are tried one by one,
 * each noted before it is tried; the one that was being tried when its process ended is fatal.
 *
 * Only a fold spends the budget. Stores that are throttled or down are waited for: an attempt whose process still runs has ended, even
 * if that could not be noted.
 */
export async function surviveFold<Result>(
  stored: StoredUser,
  records: readonly DecodedRecord[],
  dependencies: SurviveDependencies,
  fold: (records: readonly DecodedRecord[]) => Result,
): Promise<Result> {
  const { table, now, turns } = dependencies
  const { user, item } = stored
  const pending = records.filter(({ sequenceNumber }) => !item || bySequenceNumber(sequenceNumber, item.sequenceNumber) > 0)
  const [first] = pending
  if (!first || now() - first.arrived < UNNOTED_MS) return turns.take(table, () => fold(records))
  const before = await table.readAttempts(user, first.sequenceNumber)
  const attempts = nextAttempts(before, turns.process, now())
  await table.writeAttempts(user, first.sequenceNumber, attempts)
  if (isSpent(attempts, dependencies)) await turns.take(table, () => tryEvents(stored, pending, attempts, dependencies))
  const result = await turns.take(table, () => fold(withoutFatal(records, attempts.fatal)))
  const done = { ...attempts, unfinished: 0, trying: undefined }
  await table.writeAttempts(user, first.sequenceNumber, done)
  return result
}

function nextAttempts(before: FoldAttempts | undefined, process: string, now: number): FoldAttempts {
  const unfinished = before && before.process !== process ? before.unfinished : 0
  return {
    process,
    unfinished: unfinished + 1,
    since: before && unfinished > 0 ? before.since : now,
    trying: undefined,
    fatal: [...(before?.fatal ?? []), ...(before?.trying && unfinished > 0 ? [before.trying] : [])],
  }
}

const isSpent = ({ unfinished, since }: FoldAttempts, { retryBudgetMs, now }: SurviveDependencies): boolean =>
  unfinished > MAX_UNFINISHED && now() - since > retryBudgetMs

/** Folds the events one by one, without a result, and notes each before it is tried. At the end none is noted as being tried. */
async function tryEvents(
  stored: StoredUser,
  records: readonly DecodedRecord[],
  attempts: FoldAttempts,
  { table, rules, turns }: SurviveDependencies,
): Promise<void> {
  const key = records[0]?.sequenceNumber ?? ''
  const { tryRecord } = userFold(stored, rules)
  turns.beginTrial({ user: stored.user, sequenceNumber: key, attempts })
  for (const record of withoutFatal(records, attempts.fatal)) {
    const { sequenceNumber } = record
    const note = (position: number) =>
      table.writeAttempts(stored.user, key, { ...attempts, trying: { sequenceNumber, position } })
    await tryRecord(record, note)
  }
  await turns.endTrial(table)
}

function withoutFatal<Record extends UserRecord>(records: readonly Record[], fatal: readonly EventPosition[]): readonly Record[] {
  if (fatal.length === 0) return records
  return records.map(record => {
    const mine = fatal.filter(({ sequenceNumber }) => sequenceNumber === record.sequenceNumber)
    if (mine.length === 0) return record
    const spent = mine.map(({ position }) => [position, { code: 'retry_budget_spent' }] as const)
    return { ...record, rejected: new Map([...(record.rejected ?? []), ...spent]) }
  })
}
