import type { KinesisStreamBatchResponse, KinesisStreamRecord } from 'aws-lambda'
import pLimit from 'p-limit'
import type { EventType } from '../../shared/event.ts'
import type { UserItem } from '../../shared/state.ts'
import type { Told } from '../handler.ts'
import type { Quarantine, QuarantinedEvent } from '../quarantine/dynamodb.ts'
import type { StateTable } from './dynamodb.ts'
import type { Rules } from './fold-record.ts'
import { planWrites, type Write } from './plan-writes.ts'
import { asQuarantined, decode, type StreamRecord } from './stream-record.ts'

/** How often one user's item is decided again in one invocation after another writer was first. */
const ATTEMPTS = 3
const USERS_AT_ONCE = 32
/** How often a record older than the retry budget is tried before it is put aside: alone, and at the head of a batch. */
const ATTEMPTS_ALONE = 3
const ATTEMPTS_AT_HEAD = 20

export interface BatchParts {
  readonly table: StateTable
  readonly aside: Quarantine
  readonly eventTypes: ReadonlyMap<string, EventType>
  readonly rules: Rules
  /** How long a record may hold up its shard, in milliseconds. */
  readonly budgetMs: number
  readonly now: () => number
  readonly told: Told
}

/** Folds a batch of one shard into its users' items, each in one conditional put a write; answers with the first record that must come again. */
export async function foldBatch(batch: readonly KinesisStreamRecord[], parts: BatchParts): Promise<KinesisStreamBatchResponse> {
  const [first] = batch
  if (!first) return { batchItemFailures: [] }
  const records = batch.map(record => decode(record, parts))
  const spent = (await isSpent(first, batch.length, parts)) ? records.splice(0, 1) : []
  const retried = spent.flatMap(({ events }) => events.map(event => asQuarantined({ event, code: 'retry_budget_spent' })))
  await putAside([...retried, ...records.flatMap(({ unreadable }) => unreadable)], parts)
  const failed = records[await foldUsers(records, parts)]
  if (failed) {
    parts.told.count('Retries', records.length - records.indexOf(failed))
    return { batchItemFailures: [{ itemIdentifier: failed.seq }] }
  }
  await parts.table.notePassed(shardOf(first), batch.at(-1)?.kinesis.sequenceNumber ?? '')
  return { batchItemFailures: [] }
}

const shardOf = ({ eventID }: KinesisStreamRecord): string => eventID.split(':')[0] ?? ''

/**
 * The first record of a batch, once it is past the retry budget, was tried often enough: counted before each try, since Lambda
 * does not say. Alone it is to blame; at the head of others it may only stand before the one that is, until bisecting parts them.
 */
async function isSpent(record: KinesisStreamRecord, batchSize: number, { table, budgetMs, now }: BatchParts): Promise<boolean> {
  const { sequenceNumber, approximateArrivalTimestamp } = record.kinesis
  if (now() - approximateArrivalTimestamp * 1000 <= budgetMs) return false
  const attempts = await table.countAttempt(shardOf(record), sequenceNumber, now())
  return attempts > (batchSize === 1 ? ATTEMPTS_ALONE : ATTEMPTS_AT_HEAD)
}

async function putAside(events: readonly QuarantinedEvent[], { aside, told }: BatchParts): Promise<void> {
  await aside.keep(events)
  for (const { code } of events) told.count('EventsQuarantined', 1, code)
}

/** Returns the index of the first record that is not committed, or how many there are. */
async function foldUsers(records: readonly StreamRecord[], parts: BatchParts): Promise<number> {
  const users = Map.groupBy(
    records.filter(({ user }) => user !== null),
    ({ user }) => user as string,
  )
  const read = await parts.table.readUsers([...users.keys()])
  const limit = pLimit(USERS_AT_ONCE)
  const uncommitted = await Promise.all(
    [...users].map(([user, mine]) =>
      limit(async () => {
        const done = read.has(user) ? await foldUser(user, read.get(user), mine, parts) : 0
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
  records: readonly StreamRecord[],
  parts: BatchParts,
): Promise<number> {
  let item = stored
  let done = 0
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      if (attempt > 0) item = await parts.table.readUser(user)
      const writes = planWrites(user, item, records, parts.rules)
      if (writes.length === 0) return records.length
      for (const write of writes) {
        if (!(await commit(write, parts))) break
        done = write.recordsDone
      }
      if (done === records.length) return done
    } catch (error) {
      parts.told.note('uncommitted', error instanceof Error ? error.name : 'unknown')
    }
  }
  return done
}

async function commit(write: Write, { table, aside, told }: BatchParts): Promise<boolean> {
  await aside.keep(write.refused.map(asQuarantined))
  const result = await table.putUser(write.item, write.readVersion)
  if (result === 'conflict') {
    told.count('Conflicts', 1)
    return false
  }
  told.count('EventsFolded', write.folded)
  told.count('EventsRepeated', write.repeated)
  told.count('EventsLate', write.late)
  for (const { code } of write.refused) told.count('EventsQuarantined', 1, code)
  return true
}
