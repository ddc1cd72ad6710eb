import { ListShardsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { jest } from '@jest/globals'
import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda'
import { type EmulatedCloud, emulatedCloud, eventually } from '../fixtures/emulated-cloud.ts'
import { arn, bucket, mapping, putTexts, readObjects, stream, textOf, textsOf } from '../fixtures/emulated-stack.ts'

jest.setTimeout(60_000)

let cloud: EmulatedCloud
beforeAll(async () => {
  cloud = await emulatedCloud()
}, 180_000)
afterAll(() => cloud.close())

test('a partial batch response checkpoints before the lowest sequence number in it and redelivers from there', async () => {
  const batches: string[][] = []
  const handle = ({ Records }: KinesisStreamEvent): KinesisStreamBatchResponse => {
    batches.push(Records.map(textOf))
    if (batches.length > 1) return { batchItemFailures: [] }
    const failed = Records.filter(record => ['b', 'd'].includes(textOf(record))).reverse()
    return { batchItemFailures: failed.map(record => ({ itemIdentifier: record.kinesis.sequenceNumber })) }
  }
  const window = { MaximumBatchingWindowInSeconds: 1 }
  await cloud.deploy('partial', {
    Function: cloud.fn('partial', handle),
    Stream: stream('partial'),
    Mapping: mapping(arn('Stream'), window),
  })
  await putTexts(cloud, 'partial', 'a', 'b', 'c', 'd')
  await eventually('the remaining records are redelivered', () => batches.length === 2)
  expect(batches).toEqual([
    ['a', 'b', 'c', 'd'],
    ['b', 'c', 'd'],
  ])
})

test('bisection isolates poison records: the other records are delivered, each poison record goes to the bucket with its whole event', async () => {
  const delivered: string[] = []
  const alone: string[] = []
  const handle = (event: KinesisStreamEvent): void => {
    const texts = textsOf(event)
    if (texts.length === 1 && texts[0]?.startsWith('poison')) alone.push(...texts)
    if (texts.some(text => text.startsWith('poison'))) throw new Error('poison')
    delivered.push(...texts)
  }
  const settings = {
    BisectBatchOnFunctionError: true,
    MaximumRetryAttempts: 1,
    MaximumBatchingWindowInSeconds: 1,
    DestinationConfig: { OnFailure: { Destination: arn('Bucket') } },
  }
  const { Bucket = '' } = await cloud.deploy(
    'bisect',
    { Function: cloud.fn('bisect', handle), Stream: stream('bisect'), Bucket: bucket, Mapping: mapping(arn('Stream'), settings) },
    { Bucket: { Ref: 'Bucket' } },
  )
  await putTexts(cloud, 'bisect', 'poison-1', 'a', 'b', 'c', 'poison-2', 'd', 'e', 'f')
  await eventually('the other records are delivered', () => delivered.length === 6)
  expect(delivered).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  // The first attempt and one retry: bisection does not count as a retry.
  expect(alone).toEqual(['poison-1', 'poison-1', 'poison-2', 'poison-2'])
  const discarded = (await readObjects(cloud, Bucket, 'aws/lambda/')).map(bytes => JSON.parse(Buffer.from(bytes).toString()))
  const expected = {
    requestContext: {
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 2,
      functionArn: expect.stringContaining(':function:'),
    },
    responseContext: { statusCode: 200, functionError: 'Unhandled' },
    version: '1.0',
    KinesisBatchInfo: { shardId: 'shardId-000000000000', batchSize: 1, streamArn: expect.stringContaining('stream/bisect') },
  }
  expect(discarded).toMatchObject([expected, expected])
  expect(discarded.flatMap(({ payload }) => textsOf(payload)).sort()).toEqual(['poison-1', 'poison-2'])
})

test('a child shard is read after all of its ancestors, even when its parent is empty', async () => {
  let failing = true
  const delivered: string[] = []
  const handle = (event: KinesisStreamEvent): void => {
    if (failing) throw new Error('not yet')
    delivered.push(...textsOf(event))
  }
  await cloud.deploy('lineage', {
    Function: cloud.fn('lineage', handle),
    Stream: stream('lineage'),
    Mapping: mapping(arn('Stream'), { BatchSize: 1 }),
  })
  await putTexts(cloud, 'lineage', 'x-1', 'x-2', 'x-3')
  const parents = ['shardId-000000000000', 'shardId-000000000001', 'shardId-000000000002']
  for (const parent of parents) await split('lineage', parent)
  await putTexts(cloud, 'lineage', 'x-4', 'x-5')
  const { Shards = [] } = await cloud.kinesis.send(new ListShardsCommand({ StreamName: 'lineage' }))
  const closed = Shards.filter(shard => shard.SequenceNumberRange?.EndingSequenceNumber)
  expect(closed.map(shard => shard.ShardId)).toEqual(parents)
  failing = false
  await eventually('all records are delivered', () => delivered.length === 5)
  expect(delivered).toEqual(['x-1', 'x-2', 'x-3', 'x-4', 'x-5'])
})

async function split(StreamName: string, ShardToSplit: string): Promise<void> {
  const { Shards = [] } = await cloud.kinesis.send(new ListShardsCommand({ StreamName }))
  const range = Shards.find(shard => shard.ShardId === ShardToSplit)?.HashKeyRange
  const middle = (BigInt(range?.StartingHashKey ?? 0) + BigInt(range?.EndingHashKey ?? 0)) / 2n
  await cloud.kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey: String(middle) }))
}

test('each of two shards is delivered in order, and a failing shard does not block the other', async () => {
  const delivered = new Map<string, string[]>()
  let blocked: string | undefined
  const handle = ({ Records }: KinesisStreamEvent): void => {
    const shard = Records[0]?.eventID.split(':')[0] ?? ''
    blocked ??= shard
    if (shard === blocked) throw new Error('blocked')
    delivered.set(shard, [...(delivered.get(shard) ?? []), ...Records.map(textOf)])
  }
  await cloud.deploy('order', {
    Function: cloud.fn('order', handle),
    Stream: stream('order', 2),
    Mapping: mapping(arn('Stream'), { BatchSize: 7 }),
  })
  const texts = Array.from({ length: 200 }, (_, i) => `${i % 40}-${i}`)
  for (const start of [0, 50, 100, 150]) await putTexts(cloud, 'order', ...texts.slice(start, start + 50))
  const other = await eventually('the other shard is read', () => [...delivered.values()].find(list => list.length > 60))
  blocked = 'none'
  await eventually('all records are delivered', () => [...delivered.values()].flat().length === texts.length)
  expect(other.length).toBeLessThan(texts.length)
  for (const list of delivered.values()) expect(list).toEqual(texts.filter(text => list.includes(text)))
})
