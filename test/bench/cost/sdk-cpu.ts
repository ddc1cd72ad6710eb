import { Readable } from 'node:stream'
import {
  type AttributeValue,
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'

const CALLS = 400

/** Milliseconds of CPU that the SDK needs for a call, without the network: signing, encoding and decoding. */
export interface SdkCpu {
  readonly put: number
  readonly get: number
  /** A BatchGetItem of 100 items. */
  readonly batchGet: number
  /** A PutRecords of one record, and each further record. */
  readonly putRecords: number
  readonly record: number
}

const settings = { region: 'us-east-1', credentials: { accessKeyId: 'none', secretAccessKey: 'none' } }

/** A client's connection that answers each call at once. */
const answering = (answer: object) => {
  const body = JSON.stringify(answer)
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'content-length': String(Buffer.byteLength(body)) }
  return { handle: async () => ({ response: { statusCode: 200, headers, body: Readable.from([Buffer.from(body)]) } }) } as never
}

async function millisecondsOf(call: () => Promise<unknown>): Promise<number> {
  for (let n = 0; n < CALLS / 4; n++) await call()
  const before = process.cpuUsage()
  for (let n = 0; n < CALLS; n++) await call()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / CALLS
}

/** Measures the SDK with items of 1 KB and records of 600 bytes. */
export async function measureSdk(): Promise<SdkCpu> {
  const item: Record<string, AttributeValue> = {
    pk: { S: 'user#1' },
    sk: { S: 'state' },
    version: { N: '1790000000000000' },
    st: { S: 'x'.repeat(600) },
    ids: { B: Buffer.alloc(300) },
  }
  const stored = { ...item, ids: { B: Buffer.alloc(300).toString('base64') } }
  const key = { pk: { S: 'user#1' }, sk: { S: 'state' } }
  const keys = Array.from({ length: 100 }, (_, n) => ({ pk: { S: `user#${n}` }, sk: { S: 'state' } }))
  const dynamodb = (answer: object) => new DynamoDBClient({ ...settings, requestHandler: answering(answer) })
  const [putting, getting] = [dynamodb({}), dynamodb({ Item: stored })]
  const batching = dynamodb({ Responses: { state: keys.map(() => stored) } })
  const putRecords = (count: number) => {
    const Records = Array.from({ length: count }, (_, n) => ({ PartitionKey: `user-${n}`, Data: Buffer.alloc(600) }))
    const answer = { Records: Records.map(() => ({ SequenceNumber: '4'.repeat(56), ShardId: 'shardId-000000000000' })) }
    const client = new KinesisClient({ ...settings, requestHandler: answering(answer) })
    return millisecondsOf(() => client.send(new PutRecordsCommand({ StreamName: 'stream', Records })))
  }
  const [one, many] = [await putRecords(1), await putRecords(51)]
  return {
    put: await millisecondsOf(() => putting.send(new PutItemCommand({ TableName: 'state', Item: item }))),
    get: await millisecondsOf(() => getting.send(new GetItemCommand({ TableName: 'state', Key: key }))),
    batchGet: await millisecondsOf(() => batching.send(new BatchGetItemCommand({ RequestItems: { state: { Keys: keys } } }))),
    putRecords: one,
    record: Math.max(0, (many - one) / 50),
  }
}
