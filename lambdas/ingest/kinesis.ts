import { setTimeout as delay } from 'node:timers/promises'
import { KinesisClient, PutRecordsCommand, type PutRecordsCommandOutput } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { SafeError } from '../../shared/safe-error.ts'
import { notStored, planCalls, planRounds, positionsIn, type StreamPosition, type StreamRecord } from './plan-records.ts'

const FIRST_WAIT_MS = 50
const MAX_WAIT_MS = 2_000
/** Of one call; a healthy one takes some milliseconds. */
const CALL_TIMEOUT_MS = 4_000
/** Of all calls of one request: with the last of them it still ends before the function's 25 s and the gateway's 30 s. */
const REQUEST_DEADLINE_MS = 16_000

/** What putting needs besides the records. */
export interface PutDependencies {
  readonly client: Pick<KinesisClient, 'send'>
  /** Milliseconds since 1970. */
  now(): number
  wait(milliseconds: number): Promise<unknown>
}

/**
 * HTTP/1.1: over HTTP/2, the client's default, large calls to the local cloud failed although their records were stored. The
 * client itself never tries again: it would put records that were stored behind those that follow them.
 */
export const kinesisPutDependencies = (): PutDependencies => ({
  client: new KinesisClient({ maxAttempts: 1, requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000 }) }),
  now: Date.now,
  wait: delay,
})

/**
 * Puts every record into the stream, each user's in their order, and returns where each stands. Throws when one could not be
 * stored in time or for good; some may be stored then, and some twice, but never a later record of a user without the earlier
 * ones.
 */
export async function putRecords(
  streamName: string,
  records: readonly StreamRecord[],
  dependencies = kinesisPutDependencies(),
): Promise<StreamPosition[]> {
  const until = dependencies.now() + REQUEST_DEADLINE_MS
  const places: StreamPosition[] = []
  for (const round of planRounds(records))
    for (const call of planCalls(round)) places.push(...(await putCall(streamName, call, { ...dependencies, until })))
  return places
}

/** Puts one call's records, at most one of a user, until all are stored. */
async function putCall(
  streamName: string,
  call: readonly StreamRecord[],
  { client, now, wait, until }: PutDependencies & { readonly until: number },
): Promise<StreamPosition[]> {
  const places: StreamPosition[] = []
  let missing = call
  let failure: Error | undefined
  for (let attempt = 0; now() < until; attempt++) {
    if (attempt > 0) await wait(Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1)))
    const outcome = await putOnce(streamName, missing, client)
    if (outcome instanceof Error) {
      if (isPermanent(outcome)) throw outcome
      failure = outcome
      continue
    }
    const results = outcome.Records ?? []
    places.push(...positionsIn(results))
    missing = notStored(missing, results)
    if (missing.length === 0) return places
  }
  throw new SafeError(`Kinesis did not take ${missing.length} of ${call.length} records in time.`, { cause: failure })
}

/** A failure does not say whether the records were stored. */
const putOnce = (
  StreamName: string,
  records: readonly StreamRecord[],
  client: PutDependencies['client'],
): Promise<PutRecordsCommandOutput | Error> =>
  client
    .send(
      new PutRecordsCommand({
        StreamName,
        Records: records.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: Buffer.from(data) })),
      }),
      { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) },
    )
    .catch((error: Error) => error)

/** What no repetition mends, such as a missing right or stream. */
function isPermanent(error: Error): boolean {
  const { $metadata, name } = error as Error & { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode ?? 500
  return status >= 400 && status < 500 && status !== 429 && !/Throttl|ThroughputExceeded|LimitExceeded/.test(name)
}
