import type { KinesisStreamBatchResponse, KinesisStreamRecord } from 'aws-lambda'
import pLimit from 'p-limit'
import type { EventType } from '../../shared/event-type.ts'
import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import { describeError } from '../../shared/safe-error.ts'
import type { UserItem } from '../../shared/state.ts'
import type { Telemetry } from '../handler.ts'
import { asQuarantined, type DecodedRecord, decodeRecord } from './decode-record.ts'
import type { StateTable } from './dynamodb.ts'
import type { FoldRules } from './fold-record.ts'
import { planWrites, type Write } from './plan-writes.ts'

/** Attempts to write a user's item in one invocation, after conflicts or errors. */
const MAX_ATTEMPTS_PER_INVOCATION = 3
const USERS_AT_ONCE = 32
/** Attempts at a record that is older than the retry budget, before it is quarantined: alone in its batch, and first of several. */
const MAX_ATTEMPTS_ALONE = 3
const MAX_ATTEMPTS_AT_HEAD = 20
const MAX_ERRORS_LOGGED = 3

export interface FoldDependencies {
  readonly table: Pick<StateTable, 'readUsers' | 'readUser' | 'putUser' | 'countAttempt' | 'recordProgress'>
  readonly quarantine: Quarantine
  readonly eventTypes: ReadonlyMap<string, EventType>
  readonly rules: FoldRules
  /** How long a record that fails may block its shard, in milliseconds. */
  readonly retryBudgetMs: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly telemetry: Telemetry
}

/**
 * Folds a batch of one shard into its users' items, with one conditional put for each write. Returns the first record to
 * redeliver; Lambda then redelivers all records from there on.
 */
export async function foldBatch(
  batch: readonly KinesisStreamRecord[],
  dependencies: FoldDependencies,
): Promise<KinesisStreamBatchResponse> {
  const [first] = batch
  if (!first) return { batchItemFailures: [] }
  const records = batch.map(record => decodeRecord(record, dependencies))
  const givenUp = (await isRetryBudgetSpent(first, batch.length, dependencies)) ? records.splice(0, 1) : []
  const unfolded = givenUp.flatMap(({ events }) => events.map(event => asQuarantined({ event, code: 'retry_budget_spent' })))
  await addToQuarantine([...unfolded, ...records.flatMap(({ unrecognised }) => unrecognised)], dependencies)
  const failed = records[await foldUsers(records, dependencies)]
  if (failed) {
    dependencies.telemetry.count('Retries', records.length - records.indexOf(failed))
    return { batchItemFailures: [{ itemIdentifier: failed.sequenceNumber }] }
  }
  await dependencies.table.recordProgress(shardOf(first), batch.at(-1)?.kinesis.sequenceNumber ?? '')
  return { batchItemFailures: [] }
}

const shardOf = ({ eventID }: KinesisStreamRecord): string => eventID.split(':')[0] ?? ''

/**
 * Whether to give up the first record of a batch: it is older than the retry budget and had enough attempts. Lambda does not
 * report attempts, so they are counted in the table, before each attempt. A record that fails alone is the poison record. At
 * the head of a batch it may merely precede it, until bisection isolates it.
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

/** Returns the index of the first record that is not committed, or the number of records if all are. */
async function foldUsers(records: readonly DecodedRecord[], dependencies: FoldDependencies): Promise<number> {
  const users = Map.groupBy(records.filter(hasUser), ({ user }) => user)
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

const hasUser = (record: DecodedRecord): record is DecodedRecord & { readonly user: string } => record.user !== null

/**
 * Folds and commits a user's records. Returns how many are done. After a conflict or an error, such as a lost response, it
 * reads the item again and folds again.
 */
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
      dependencies.telemetry.annotate('uncommitted', describeError(error))
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
  const reasons = new Set(write.rejections.flatMap(({ reason }) => reason ?? []))
  if (reasons.size > 0) telemetry.annotate('projectionErrors', [...reasons].slice(0, MAX_ERRORS_LOGGED))
  return true
}
