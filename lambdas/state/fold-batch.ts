import type { KinesisStreamBatchResponse, KinesisStreamRecord } from 'aws-lambda'
import pLimit from 'p-limit'
import type { EventType } from '../../shared/event-type.ts'
import { type LoadDependencies, type Lookup, loadMemory } from '../../shared/memory/load-memory.ts'
import { occurrenceAt, type Quarantine } from '../../shared/quarantine.ts'
import { describeError } from '../../shared/safe-error.ts'
import type { UserItem } from '../../shared/state.ts'
import type { Telemetry } from '../handler.ts'
import { annotateProjectionErrors } from '../projection-errors.ts'
import { pendingExpiry, redeliveryExpiry } from '../redelivery-expiry.ts'
import { asOccurrence, quarantinePassedOver, type SettleDependencies, settlePassedOver } from '../settle-passed-over.ts'
import { asQuarantined, type DecodedRecord, decodeRecord } from './decode-record.ts'
import type { StateTable } from './dynamodb.ts'
import type { PagesTable } from './dynamodb-pages.ts'
import type { PassedOverEvent } from './dynamodb-passed-over.ts'
import { planWrites, type Write } from './plan-writes.ts'
import { type SurviveDependencies, surviveFold } from './survive-fold.ts'
import { noteThrottle, readUsers } from './throttles.ts'
import type { UserRecord } from './user-record.ts'

/** Attempts to write a user's item in one invocation, after conflicts or errors. */
const MAX_ATTEMPTS_PER_INVOCATION = 3
const USERS_AT_ONCE = 32

export interface FoldDependencies extends SurviveDependencies {
  readonly table: Pick<
    StateTable,
    | 'readUsers'
    | 'readUser'
    | 'putUser'
    | 'storePassedOver'
    | 'readPassedOver'
    | 'markQuarantined'
    | 'readQuarantinedLines'
    | 'markQuarantinedLines'
    | 'readAttempts'
    | 'writeAttempts'
    | 'recordProgress'
  >
  readonly pages: Pick<PagesTable, 'readPages' | 'putPages'>
  readonly quarantine: Quarantine
  readonly eventTypes: ReadonlyMap<string, EventType>
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
  await quarantineLines(
    records.flatMap(({ unrecognised }) => unrecognised),
    dependencies,
  )
  const failed = records[await foldUsers(records, dependencies)]
  if (failed) {
    dependencies.telemetry.count('Retries', records.length - records.indexOf(failed))
    return { batchItemFailures: [{ itemIdentifier: failed.sequenceNumber }] }
  }
  await dependencies.table.recordProgress(shardOf(first), batch.at(-1)?.kinesis.sequenceNumber ?? '')
  return { batchItemFailures: [] }
}

/** The shard of a record. */
export const shardOf = ({ eventID }: KinesisStreamRecord): string => eventID.split(':')[0] ?? ''

/**
 * Quarantines lines that no user's item decides. They are marked in items of their own, so that a redelivery does not quarantine
 * them again after they were replayed or discarded.
 */
async function quarantineLines(lines: readonly PassedOverEvent[], dependencies: FoldDependencies): Promise<void> {
  if (lines.length === 0) return
  const { table, quarantine, telemetry } = dependencies
  const marked = new Set((await table.readQuarantinedLines(lines.map(({ at }) => at))).map(occurrenceAt))
  const waiting = lines.filter(({ at }) => !marked.has(occurrenceAt(at)))
  if (waiting.length === 0) return
  await quarantine.add(waiting.map(asOccurrence))
  await table.markQuarantinedLines(
    waiting.map(({ at }) => at),
    expiryOf(dependencies),
  )
  for (const { event } of waiting) telemetry.count('EventsQuarantined', 1, event.code)
}

const expiryOf = ({ now, rules }: FoldDependencies): number => redeliveryExpiry(now(), rules.retentionMs)

/** Returns the index of the first record that is not committed, or the number of records if all are. */
async function foldUsers(records: readonly DecodedRecord[], dependencies: FoldDependencies): Promise<number> {
  const users = Map.groupBy(records.filter(hasUser), ({ user }) => user)
  const read = await readUsers([...users.keys()], dependencies)
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
      // The next write drops the list of what the last one passed over.
      if (item) await settlePassedOver(item, settlingOf(dependencies))
      const loaded = await loadMemory(item, lookupsOf(records), memoryOf(dependencies))
      if (loaded.skipped > 0) dependencies.telemetry.count('LookupsSkipped', loaded.skipped)
      const before = { user, item, loaded }
      const writes = await surviveFold(before, records, dependencies, folded => planWrites(before, folded, dependencies.rules))
      if (writes.length === 0) return records.length
      for (const write of writes) {
        if (!(await commit(write, dependencies))) break
        done = write.recordsDone
      }
      if (done === records.length) return done
    } catch (error) {
      noteThrottle(error, dependencies.telemetry)
      dependencies.telemetry.annotate('uncommitted', describeError(error))
    }
  }
  return done
}

const lookupsOf = (records: readonly UserRecord[]): Lookup[] =>
  // An erasure has no events, but an arrival, too.
  records.flatMap(({ arrived, events }) => [{ arrived, stated: undefined }, ...events.map(({ stated }) => ({ arrived, stated }))])

const memoryOf = ({ pages, rules, now }: FoldDependencies): LoadDependencies => ({ pages, rules: rules.memory, now })

const settlingOf = (dependencies: FoldDependencies): SettleDependencies => ({
  table: dependencies.table,
  quarantine: dependencies.quarantine,
  marksExpire: expiryOf(dependencies),
})

/**
 * Makes a write, its pages first. Whether an event is folded or passed over is decided by its conditional put alone: only then the events that it
 * passed over are quarantined. Returns false after a conflict: another writer decided.
 */
async function commit(write: Write, dependencies: FoldDependencies): Promise<boolean> {
  const { table, pages, telemetry } = dependencies
  await pages.putPages(write.newPages)
  const passedOver = write.rejections.map(rejection => ({ at: rejection.at, event: asQuarantined(rejection) }))
  await table.storePassedOver(write.item.user, passedOver, pendingExpiry(dependencies.now()))
  const result = await table.putUser(write.item, write.readVersion)
  if (result === 'conflict') {
    telemetry.count('Conflicts', 1)
    return false
  }
  countWrite(write, telemetry)
  await quarantinePassedOver(write.item.user, passedOver, settlingOf(dependencies))
  return true
}

function countWrite({ folded, repeated, late, rejections }: Write, telemetry: Telemetry): void {
  telemetry.count('EventsFolded', folded)
  telemetry.count('EventsRepeated', repeated)
  telemetry.count('EventsLate', late)
  for (const { code } of rejections) telemetry.count('EventsQuarantined', 1, code)
  annotateProjectionErrors(
    telemetry,
    rejections.flatMap(({ code, reason }) => (code === 'invalid_event' ? [] : (reason ?? []))),
  )
}
