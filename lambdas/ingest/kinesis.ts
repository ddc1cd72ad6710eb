import { setTimeout as wait } from 'node:timers/promises'
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { notStored, planCalls, planRounds, type StreamRecord } from './plan-records.ts'

const ATTEMPTS = 6
const FIRST_WAIT_MS = 50

/** HTTP/1.1: over HTTP/2, the client's default, large calls to the local cloud failed although their records were stored. */
const overHttp1 = () =>
  new KinesisClient({ requestHandler: new NodeHttpHandler({ requestTimeout: 10_000, connectionTimeout: 2_000 }) })

/** Puts every record into the stream, each user's in their order; throws when one could not be stored. */
export async function putRecords(streamName: string, records: readonly StreamRecord[], client = overHttp1()): Promise<void> {
  for (const round of planRounds(records)) for (const call of planCalls(round)) await putCall(streamName, call, client)
}

async function putCall(streamName: string, call: readonly StreamRecord[], client: KinesisClient): Promise<void> {
  let missing = call
  for (let attempt = 0; ; attempt++) {
    const { Records } = await client.send(
      new PutRecordsCommand({
        StreamName: streamName,
        Records: missing.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: Buffer.from(data) })),
      }),
    )
    missing = notStored(missing, Records ?? [])
    if (missing.length === 0) return
    if (attempt === ATTEMPTS) throw new Error(`Kinesis did not take ${missing.length} of ${call.length} records.`)
    await wait(FIRST_WAIT_MS * 2 ** attempt)
  }
}
