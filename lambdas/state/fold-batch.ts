import type { KinesisStreamBatchResponse, KinesisStreamRecord } from 'aws-lambda'
import pLimit from 'p-limit'
import type { EventType } from '../../shared/event-type.ts'
import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'

import type { UserItem } from '../../shared/state.ts'
import type { Telemetry } from '../handler.ts'
import { asQuarantined, type DecodedRecord, decode } from './decode-record.ts'
import type { StateTable } from './dynamodb.ts'
import type { FoldRules } from './fold-record.ts'
import { planWrites, type Write } from './plan-writes.ts'

/** How often one user's item is decided again in one invocation after another writer was first. */
const MAX_ATTEMPTS_PER_INVOCATION = 3
const USERS_AT_ONCE = 32
/** How often a record older than the retry budget is tried before it is put aside: alone, and at the head of a batch. */
const MAX_ATTEMPTS_ALONE = 3
const MAX_ATTEMPTS_AT_HEAD = 20

export interface FoldDependencies {
  readonly table: StateTable
  readonly quarantine: Quarantine
  readonly eventTypes: ReadonlyMap<string, EventType>
  readonly rules: FoldRules
  /** How long a record may hold up its shard, in milliseconds. */
  readonly retryBudgetMs: number
  readonly now: () => number
  readonly telemetry: Telemetry
}

/** Folds a batch of one shard into its users' items, each in one conditional put a write; answers with the first record that must come again. */
export async function foldBatch(
  batch: readonly KinesisStreamRecord[],
  dependencies: FoldDependencies,
): Promise<KinesisStreamBatchResponse> {
  const [first] = batch
  if (!first) return { batchItemFailures: [] }
  const records = batch.map(record => decode(record, dependencies))
  const spent = (await isRetryBudgetSpent(first, batch.length, dependencies)) ? records.splice(0, 1) : []
  const retried = spent.flatMap(({ events }) => events.map(event => asQuarantined({ event, code: 'retry_budget_spent' })))
  await addToQuarantine([...retried, ...records.flatMap(({ unrecognised: unreadable }) => unreadable)], dependencies)
  const failed = records[await foldUsers(records, dependencies)]
  if (failed) {
    dependencies.telemetry.count('Retries', records.length - records.indexOf(failed))
    return { batchItemFailures: [{ itemIdentifier: failed.sequenceNumber }] }
  }
  await dependencies.table.notePassed(shardOf(first), batch.at(-1)?.kinesis.sequenceNumber ?? '')
  return { batchItemFailures: [] }
}

const shardOf = ({ eventID }: KinesisStreamRecord): string => eventID.split(':')[0] ?? ''

/**
 * The first record of a batch, once it is past the retry budget, was tried often enough: counted before each try, since Lambda
 * does not say. Alone it is to blame; at the head of others it may only stand before the one that is, until bisecting parts them.
 */
async function isRetryBudgetSpent(
  record: KinesisStreamRecord,
  batchSize: number,
  { table, retryBudgetMs: budgetMs, now }: FoldDependencies,
): Promise<boolean> {
  const { sequenceNumber, approximateArrivalTimestamp } = record.kinesis
  if (now() - approximateArrivalTimestamp * 1000 <= budgetMs) return false
  const attempts = await table.countAttempt(shardOf(record), sequenceNumber, now())
  return attempts > (batchSize === 1 ? MAX_ATTEMPTS_ALONE : MAX_ATTEMPTS_AT_HEAD)
}

async function addToQuarantine(events: readonly QuarantinedEvent[], { quarantine, telemetry }: FoldDependencies): Promise<void> {
  await quarantine.add(events)
  for (const { code } of events) telemetry.count('EventsQuarantined', 1, code)
}

/** Returns the index of the first record that is not committed, or how many there are. */
async function foldUsers(records: readonly DecodedRecord[], dependencies: FoldDependencies): Promise<number> {
  const users = Map.groupBy(
    records.filter(({ user }) => user !== null),
    ({ user }) => user as string,
  )
  const read = await dependencies.table.readUsers([...users.keys()])
  const limit = pLimit(USERS_AT_ONCE)
  const uncommitted = await Promise.all(
    [...users].map(([user, mine]) =>
      limit(async () => {
        const done = read.has(user) ? await foldUser(user, read.get(user), mine, dependencies) : 0
        const next = mine[done]
        return next ? records.indexOf(next) : records.length
      }),
    ),
  )
  return Math.min(records.length, ...uncommitted)
}

/** Commits a user's records; returns how many are done. After a lost race or answer it reads the item again and decides again. */
async function foldUser(
  user: string,
  stored: UserItem | undefined,
  records: readonly DecodedRecord[],
  dependencies: FoldDependencies,
): Promise<number> {
  let item = stored
  let done = 0
  for (let attempt = 0; attempt < MAX_ATTEMPTS_PER_INVOCATION; attempt++) {
    try {
      if (attempt > 0) item = await dependencies.table.readUser(user)
      const writes = planWrites(user, item, records, dependencies.rules)
      if (writes.length === 0) return records.length
      for (const write of writes) {
        if (!(await commit(write, dependencies))) break
        done = write.recordsDone
      }
      if (done === records.length) return done
    } catch (error) {
      dependencies.telemetry.annotate('uncommitted', error instanceof Error ? error.name : 'unknown')
    }
  }
  return done
}

async function commit(write: Write, { table, quarantine, telemetry }: FoldDependencies): Promise<boolean> {
  await quarantine.add(write.rejections.map(asQuarantined))
  const result = await table.putUser(write.item, write.readVersion)
  if (result === 'conflict') {
    telemetry.count('Conflicts', 1)
    return false
  }
  telemetry.count('EventsFolded', write.folded)
  telemetry.count('EventsRepeated', write.repeated)
  telemetry.count('EventsLate', write.late)
  for (const { code } of write.rejections) telemetry.count('EventsQuarantined', 1, code)
  return true
}
