import { setTimeout as delay } from 'node:timers/promises'
import { KinesisClient, PutRecordsCommand, type PutRecordsCommandOutput } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { SafeError } from '../../shared/safe-error.ts'
import { isRefusal } from '../store-failure.ts'
import {
  notStored,
  type PutOutcome,
  planCalls,
  planRounds,
  positionsIn,
  type RefusedRecord,
  type StreamPosition,
  type StreamRecord,
} from './plan-records.ts'

const FIRST_WAIT_MS = 50
const MAX_WAIT_MS = 2_000
/** For one call; a healthy call takes some milliseconds. */
const CALL_TIMEOUT_MS = 4_000
/** For all calls of one request. A call that starts just before it still ends within the function's 25 s and the gateway's 30 s. */
const REQUEST_DEADLINE_MS = 16_000

export interface PutDependencies {
  readonly client: Pick<KinesisClient, 'send'>
  /** Milliseconds since 1970. */
  now(): number
  wait(milliseconds: number): Promise<unknown>
}

/**
 * Uses HTTP/1.1: over HTTP/2, the client's default, large calls to the local cloud failed although their records were stored.
 * The client must not retry by itself: it would store records again, after the records that follow them.
 */
export const kinesisPutDependencies = (): PutDependencies => ({
  client: new KinesisClient({ maxAttempts: 1, requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000 }) }),
  now: Date.now,
  wait: delay,
})

/**
 * Stores all records that Kinesis accepts, each user's in order. Throws on any other permanent error and after the deadline. Then
 * some records may be stored, some of them twice, but a user's record is never stored without the user's earlier ones.
 */
export async function putRecords(
  streamName: string,
  records: readonly StreamRecord[],
  dependencies = kinesisPutDependencies(),
): Promise<PutOutcome> {
  const deadline = dependencies.now() + REQUEST_DEADLINE_MS
  const positions: StreamPosition[] = []
  const refused: RefusedRecord[] = []
  for (const round of planRounds(records))
    for (const call of planCalls(round)) {
      const outcome = await putAccepted(streamName, call, deadline, dependencies)
      positions.push(...outcome.positions)
      refused.push(...outcome.refused)
    }
  return { positions, refused }
}

/**
 * Puts the records of one call, at most one per user. Kinesis refuses a whole call for one record that it never accepts: the call
 * is halved until that record is alone.
 */
async function putAccepted(
  streamName: string,
  call: readonly StreamRecord[],
  deadline: number,
  dependencies: PutDependencies,
): Promise<PutOutcome> {
  try {
    return { positions: await putCall(streamName, call, deadline, dependencies), refused: [] }
  } catch (error) {
    if (!isRefusal(error)) throw error
    const [first, ...others] = call
    if (first && others.length === 0) return { positions: [], refused: [{ record: first, reason: error.name }] }
    const half = Math.ceil(call.length / 2)
    const [left, right] = [
      await putAccepted(streamName, call.slice(0, half), deadline, dependencies),
      await putAccepted(streamName, call.slice(half), deadline, dependencies),
    ]
    return { positions: [...left.positions, ...right.positions], refused: [...left.refused, ...right.refused] }
  }
}

/** Puts the records of one call and retries the failed ones until all are stored. */
async function putCall(
  streamName: string,
  call: readonly StreamRecord[],
  deadline: number,
  { client, now, wait }: PutDependencies,
): Promise<StreamPosition[]> {
  const positions: StreamPosition[] = []
  let missing = call
  let failure: Error | undefined
  for (let attempt = 0; now() < deadline; attempt++) {
    if (attempt > 0) await wait(Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1)))
    const response = await putOnce(streamName, missing, client)
    if (response instanceof Error) {
      if (isPermanent(response)) throw response
      failure = response
      continue
    }
    const results = response.Records ?? []
    positions.push(...positionsIn(results))
    missing = notStored(missing, results)
    if (missing.length === 0) return positions
  }
  throw new SafeError(`Kinesis did not store ${missing.length} of ${call.length} records before the deadline.`, {
    cause: failure,
  })
}

/** After an error it is unknown whether the records were stored. */
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

/** Whether a retry cannot succeed, for example because a permission or the stream is missing. */
function isPermanent(error: Error): boolean {
  const { $metadata, name } = error as Error & { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode ?? 500
  return status >= 400 && status < 500 && status !== 429 && !/Throttl|ThroughputExceeded|LimitExceeded/.test(name)
}
