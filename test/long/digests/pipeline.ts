import type { DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
import { handler as replay } from '../../../lambdas/ingest/replay.lambda.ts'
import { handler as collectFailures } from '../../../lambdas/quarantine/collect-failures.lambda.ts'
import { handler as indexDocuments } from '../../../lambdas/search/index-documents.lambda.ts'
import { handler as indexEvents } from '../../../lambdas/search/index-events.lambda.ts'
import { handler as reindex } from '../../../lambdas/search/reindex.lambda.ts'
import { handler as foldState } from '../../../lambdas/state/state.lambda.ts'
import { handler as mergeWindows } from '../../../lambdas/windows/windows.lambda.ts'
import { eventTypes } from '../../../shared/catalogue.ts'
import { fromLines } from '../../../shared/stream-record.ts'
import type { Outputs } from './canonical.ts'
import type { Cloud } from './cloud.ts'
import { captureLog } from './log.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const RECORDS_PER_BATCH = 40
const CHANGES_PER_BATCH = 60

function* batches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

/** The result of a call, or 'thrown' if it failed. */
const attempt = async (work: Promise<unknown>): Promise<unknown> => work.then(result => result ?? null).catch(() => 'thrown')

/** Calls the stream's and the table's readers until all records are processed. The end of every third batch is delivered twice. */
export async function runReaders(cloud: Cloud): Promise<unknown[]> {
  const results: unknown[] = []
  const shards = Map.groupBy(cloud.records, ({ eventID }) => eventID.split(':')[0] ?? '')
  for (const [shard, records] of [...shards].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const [n, batch] of [...batches(records, RECORDS_PER_BATCH)].entries()) {
      results.push([shard, n, ...(await readStream(batch))])
      const next = (n + 1) * RECORDS_PER_BATCH
      if (n % 3 === 1)
        results.push([shard, n, 'again', ...(await readStream([...batch.slice(-7), ...records.slice(next, next + 3)]))])
      await readTable(cloud)
    }
  }
  return results
}

export async function readStream(batch: readonly KinesisStreamRecord[]): Promise<unknown[]> {
  const Records = [...batch]
  return [await attempt(foldState({ Records })), await attempt(indexEvents({ Records }))]
}

/** Merges the users' changes into windows, then indexes the documents of all changes. The windows' last batch is delivered twice. */
async function readTable(cloud: Cloud): Promise<void> {
  const users = cloud.changes()
  for (const batch of batches(users, CHANGES_PER_BATCH)) await attempt(mergeWindows({ Records: [...batch] }))
  await attempt(mergeWindows({ Records: users.slice(-9) }))
  const changes: DynamoDBRecord[] = [...users, ...cloud.changes()]
  for (const batch of batches(changes, CHANGES_PER_BATCH)) await attempt(indexDocuments({ Records: [...batch] }))
}

/** Adds the contents of the stores after a run to the outputs, under the name of the run. */
export async function addStores(name: string, cloud: Cloud, log: readonly unknown[], outputs: Outputs): Promise<void> {
  const items = cloud.items()
  const kindOf = (prefix: RegExp) => items.filter(({ pk, sk }) => prefix.test(`${pk?.S} ${sk?.S}`))
  outputs.add(`${name}.records`, cloud.puts)
  outputs.add(`${name}.events`, eventsOf(cloud))
  outputs.add(`${name}.state-users`, kindOf(/^user#.* state$/s))
  outputs.add(`${name}.state-windows`, kindOf(/^user#.* window#/s))
  outputs.add(`${name}.state-slots`, kindOf(/^window#/))
  outputs.add(`${name}.state-others`, [...kindOf(/^(?!user#|window#)/), ...cloud.attempts])
  outputs.add(`${name}.search`, cloud.search.requests)
  outputs.add(`${name}.quarantine`, await cloud.quarantined())
  outputs.add(`${name}.log`, log)
}

/** The events of the stream as arrays of values: their property names are not stored. */
function eventsOf({ records }: Cloud): unknown[] {
  return records.map(({ kinesis }) => {
    const { events, unrecognised } = fromLines(Buffer.from(kinesis.data, 'base64').toString(), catalogue)
    const values = events.map(({ id, source, type, subject, time, received, data }) => [
      id,
      source,
      type,
      subject,
      time,
      received,
      data,
    ])
    return [values, unrecognised.map(({ line }) => line)]
  })
}

/** Collects failures, replays the quarantine (first as a dry run), then reindexes all documents. */
export async function repair(name: string, cloud: Cloud, outputs: Outputs): Promise<void> {
  const [records, requests] = [cloud.puts.length, cloud.search.requests.length]
  const results: unknown[] = []
  const log = await captureLog(async () => {
    results.push(await attempt(collectFailures({})))
    const keys = (await cloud.quarantined()).flatMap(item => (item as { key?: { S?: string } }).key?.S ?? [])
    results.push(await attempt(replay({ keys: [...keys, 'nothing'], dryRun: true })))
    for (const batch of batches(keys, 100)) results.push(await attempt(replay({ keys: batch })))
  })
  outputs.add(`${name}.replay`, [...results, ...cloud.puts.slice(records), ...cloud.search.requests.slice(requests), ...log])
  outputs.add(`${name}.quarantine-replayed`, await cloud.quarantined())
  const before = cloud.search.requests.length
  const reindexed: unknown[] = []
  const reindexLog = await captureLog(async () => {
    for (const start of [{}, { projection: 'device-minutes' }])
      for (const input of [{ start }, {}]) reindexed.push(await attempt(reindex(input)))
  })
  outputs.add(`${name}.reindex`, [...reindexed, ...cloud.search.requests.slice(before), ...reindexLog])
}
