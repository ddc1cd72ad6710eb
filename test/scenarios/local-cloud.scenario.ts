import { gunzipSync, gzipSync } from 'node:zlib'
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { KinesisClient, ListShardsCommand, PutRecordsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { jest } from '@jest/globals'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { parquetReadObjects } from 'hyparquet'
import { type EmulatedCloud, emulatedCloud, eventually } from '../fixtures/emulated-cloud.ts'

jest.setTimeout(60_000)

let cloud: EmulatedCloud
let kinesis: KinesisClient
let s3: S3Client
let dynamodb: DynamoDBClient

beforeAll(async () => {
  cloud = await emulatedCloud()
  kinesis = new KinesisClient({ ...cloud.settings, requestHandler: new NodeHttpHandler() })
  s3 = new S3Client({ ...cloud.settings, forcePathStyle: true })
  dynamodb = new DynamoDBClient(cloud.settings)
}, 180_000)

afterAll(() => cloud.close())

interface KinesisEvent {
  readonly Records: readonly {
    readonly eventID: string
    readonly kinesis: { readonly data: string; readonly sequenceNumber: string; readonly partitionKey: string }
  }[]
}

const textOf = ({ kinesis: { data } }: KinesisEvent['Records'][number]): string => Buffer.from(data, 'base64').toString()
const textsOf = ({ Records }: KinesisEvent): string[] => Records.map(textOf)

const stream = (name: string, ShardCount = 1) => ({ Type: 'AWS::Kinesis::Stream', Properties: { Name: name, ShardCount } })
const bucket = { Type: 'AWS::S3::Bucket' }
const arn = (resource: string) => ({ 'Fn::GetAtt': [resource, 'Arn'] })
const mapping = (source: object, properties: object = {}) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: {
    FunctionName: { Ref: 'Function' },
    EventSourceArn: source,
    StartingPosition: 'TRIM_HORIZON',
    BatchSize: 100,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ...properties,
  },
})

/** Puts texts in one call; the key of a text is what stands before its dash. */
async function put(name: string, ...texts: string[]): Promise<void> {
  const Records = texts.map(text => ({ PartitionKey: text.split('-')[0] ?? text, Data: Buffer.from(text) }))
  await kinesis.send(new PutRecordsCommand({ StreamName: name, Records }))
}

async function objectsBelow(Bucket: string, Prefix: string): Promise<Uint8Array[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))
  return Promise.all(
    Contents.map(async ({ Key }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      return (await Body?.transformToByteArray()) ?? new Uint8Array()
    }),
  )
}

test('a partial answer is done up to the lowest sequence number it returns, and delivers again from there', async () => {
  const batches: string[][] = []
  const handle = (event: unknown): unknown => {
    const { Records } = event as KinesisEvent
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
  await put('partial', 'a', 'b', 'c', 'd')
  await eventually('the rest came again', () => batches.length === 2)
  expect(batches).toEqual([
    ['a', 'b', 'c', 'd'],
    ['b', 'c', 'd'],
  ])
})

test('bisecting isolates poison records: their neighbours are delivered, each alone goes to the bucket with the whole event', async () => {
  const done: string[] = []
  const alone: string[] = []
  const handle = (event: unknown): void => {
    const texts = textsOf(event as KinesisEvent)
    if (texts.length === 1 && texts[0]?.startsWith('poison')) alone.push(...texts)
    if (texts.some(text => text.startsWith('poison'))) throw new Error('poison')
    done.push(...texts)
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
  await put('bisect', 'poison-1', 'a', 'b', 'c', 'poison-2', 'd', 'e', 'f')
  await eventually('the records behind it came', () => done.length === 6)
  expect(done).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  // Once, and the one retry: splitting used up none.
  expect(alone).toEqual(['poison-1', 'poison-1', 'poison-2', 'poison-2'])
  const records = (await objectsBelow(Bucket, 'aws/lambda/')).map(bytes => JSON.parse(Buffer.from(bytes).toString()))
  const record = {
    requestContext: {
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 2,
      functionArn: expect.stringContaining(':function:'),
    },
    responseContext: { statusCode: 200, functionError: 'Unhandled' },
    version: '1.0',
    KinesisBatchInfo: { shardId: 'shardId-000000000000', batchSize: 1, streamArn: expect.stringContaining('stream/bisect') },
  }
  expect(records).toMatchObject([record, record])
  expect(records.flatMap(({ payload }) => textsOf(payload)).sort()).toEqual(['poison-1', 'poison-2'])
})

test('a child shard is read after all of its ancestors, even when its parent is empty', async () => {
  let broken = true
  const seen: string[] = []
  const handle = (event: unknown): void => {
    if (broken) throw new Error('not yet')
    seen.push(...textsOf(event as KinesisEvent))
  }
  await cloud.deploy('lineage', {
    Function: cloud.fn('lineage', handle),
    Stream: stream('lineage'),
    Mapping: mapping(arn('Stream'), { BatchSize: 1 }),
  })
  await put('lineage', 'x-1', 'x-2', 'x-3')
  await split('lineage', 'shardId-000000000000')
  await split('lineage', 'shardId-000000000001')
  await split('lineage', 'shardId-000000000002')
  await put('lineage', 'x-4', 'x-5')
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: 'lineage' }))
  expect(Shards.filter(shard => shard.SequenceNumberRange?.EndingSequenceNumber).map(shard => shard.ShardId)).toEqual([
    'shardId-000000000000',
    'shardId-000000000001',
    'shardId-000000000002',
  ])
  broken = false
  await eventually('all came', () => seen.length === 5)
  expect(seen).toEqual(['x-1', 'x-2', 'x-3', 'x-4', 'x-5'])
})

async function split(StreamName: string, ShardToSplit: string): Promise<void> {
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName }))
  const range = Shards.find(shard => shard.ShardId === ShardToSplit)?.HashKeyRange
  const middle = (BigInt(range?.StartingHashKey ?? 0) + BigInt(range?.EndingHashKey ?? 0)) / 2n
  await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey: String(middle) }))
}

test('two shards are each delivered in order, and one that fails does not hold up the other', async () => {
  const seen = new Map<string, string[]>()
  let stuck: string | undefined
  const handle = (event: unknown): void => {
    const { Records } = event as KinesisEvent
    const shard = Records[0]?.eventID.split(':')[0] ?? ''
    stuck ??= shard
    if (shard === stuck) throw new Error('stuck')
    seen.set(shard, [...(seen.get(shard) ?? []), ...Records.map(textOf)])
  }
  await cloud.deploy('order', {
    Function: cloud.fn('order', handle),
    Stream: stream('order', 2),
    Mapping: mapping(arn('Stream'), { BatchSize: 7 }),
  })
  const texts = Array.from({ length: 200 }, (_, at) => `${at % 40}-${at}`)
  for (const start of [0, 50, 100, 150]) await put('order', ...texts.slice(start, start + 50))
  const other = await eventually('the other shard is read', () => [...seen.values()].find(list => list.length > 60))
  stuck = 'none'
  await eventually('all came', () => [...seen.values()].flat().length === texts.length)
  expect(other.length).toBeLessThan(texts.length)
  for (const list of seen.values()) expect(list).toEqual(texts.filter(text => list.includes(text)))
})

test('two mappings of a table stream go their own ways, each with its filter', async () => {
  const seen = { Function: [] as string[], Other: [] as string[] }
  const keysOf = (event: unknown): string[] =>
    (event as { Records: { dynamodb: { Keys: { pk: { S: string } } } }[] }).Records.map(({ dynamodb: { Keys } }) => Keys.pk.S)
  const slow = (event: unknown): void => {
    seen.Function.push(...keysOf(event))
    throw new Error('down')
  }
  const properties = {
    TableName: 'streamed',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
  }
  const source = { 'Fn::GetAtt': ['Table', 'StreamArn'] }
  const filter = {
    FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ dynamodb: { Keys: { pk: { S: [{ prefix: 'user#' }] } } } }) }] },
  }
  await cloud.deploy('tables', {
    Function: cloud.fn('failing', slow),
    Other: cloud.fn('filtered', event => void seen.Other.push(...keysOf(event))),
    Table: { Type: 'AWS::DynamoDB::Table', Properties: properties },
    Failing: mapping(source),
    Filtered: mapping(source, { FunctionName: { Ref: 'Other' }, ...filter }),
  })
  for (const pk of ['user#1', 'other', 'user#2', 'user#3'])
    await dynamodb.send(new PutItemCommand({ TableName: 'streamed', Item: { pk: { S: pk } } }))
  await eventually('the healthy mapping has everything of its own', () => seen.Other.length === 3)
  expect(seen.Other).toEqual(['user#1', 'user#2', 'user#3'])
  await eventually('the failing mapping keeps trying', () => seen.Function.length > 1)
  expect(new Set(seen.Function.filter((_, at) => at % 4 === 0))).toContain('user#1')
})

test('a delivery stream writes one Parquet object a flush, and sets only the bad line apart', async () => {
  const column = (Name: string, Type: string) => ({ Name, Type })
  const columns = [column('id', 'string'), column('count', 'bigint'), column('mean', 'double')]
  const conversion = {
    Enabled: true,
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
    SchemaConfiguration: { DatabaseName: 'archive', TableName: 'events', RoleARN: 'arn:aws:iam::000000000000:role/any' },
  }
  const { Bucket = '' } = await cloud.deploy(
    'delivery',
    {
      Stream: stream('delivery'),
      Bucket: bucket,
      Database: { Type: 'AWS::Glue::Database', Properties: { CatalogId: '000000000000', DatabaseInput: { Name: 'archive' } } },
      Table: {
        Type: 'AWS::Glue::Table',
        DependsOn: 'Database',
        Properties: {
          CatalogId: '000000000000',
          DatabaseName: 'archive',
          TableInput: { Name: 'events', StorageDescriptor: { Columns: columns } },
        },
      },
      Delivery: {
        Type: 'AWS::KinesisFirehose::DeliveryStream',
        DependsOn: 'Table',
        Properties: {
          DeliveryStreamType: 'KinesisStreamAsSource',
          KinesisStreamSourceConfiguration: { KinesisStreamARN: arn('Stream'), RoleARN: 'arn:aws:iam::000000000000:role/any' },
          ExtendedS3DestinationConfiguration: {
            BucketARN: arn('Bucket'),
            RoleARN: 'arn:aws:iam::000000000000:role/any',
            BufferingHints: { IntervalInSeconds: 60, SizeInMBs: 64 },
            Prefix: 'events/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/',
            ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
            DataFormatConversionConfiguration: conversion,
          },
        },
      },
    },
    { Bucket: { Ref: 'Bucket' } },
  )
  await put(
    'delivery',
    '{"id":"a","count":1}\n{"id":"b","count":"not a number"}\n{"id":"c","Count":9007199254740993,"mean":0.1}\n',
  )
  await put('delivery', '{"id":"d","extra":true}\n')
  const files = await eventually('the flush', async () => {
    const found = await objectsBelow(Bucket, 'events/dt=')
    return found.length > 0 && found
  })
  expect(files).toHaveLength(1)
  const file = files[0] as Uint8Array
  expect(await parquetReadObjects({ file: file.slice().buffer })).toEqual([
    { id: 'a', count: 1n, mean: null },
    { id: 'c', count: 9007199254740993n, mean: 0.1 },
    { id: 'd', count: null, mean: null },
  ])
  const errors = await objectsBelow(Bucket, 'errors/format-conversion-failed/')
  const [line] = errors.map(bytes => JSON.parse(Buffer.from(bytes).toString()))
  expect(Buffer.from(line.rawData, 'base64').toString()).toBe('{"id":"b","count":"not a number"}')
  expect(line).toMatchObject({
    ErrorCode: 'DataFormatConversion.MalformedData',
    attemptsMade: 1,
    dataCatalogTable: { tableName: 'events' },
  })
})

test('a gzip body reaches the function byte for byte, whatever its content type says', async () => {
  const events: { body: string; isBase64Encoded: boolean }[] = []
  const handle = (event: unknown): unknown => {
    events.push(event as { body: string; isBase64Encoded: boolean })
    return { statusCode: 200, body: 'taken' }
  }
  const { Api = '' } = await cloud.deploy(
    'gateway',
    {
      Function: cloud.fn('gateway', handle),
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'gateway', ProtocolType: 'HTTP' } },
      Integration: {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: {
          ApiId: { Ref: 'Api' },
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: arn('Function'),
          PayloadFormatVersion: '2.0',
        },
      },
      Route: {
        Type: 'AWS::ApiGatewayV2::Route',
        Properties: {
          ApiId: { Ref: 'Api' },
          RouteKey: 'POST /v1/events',
          Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
        },
      },
      Stage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true } },
    },
    { Api: { Ref: 'Api' } },
  )
  const url = `${cloud.url}/_aws/execute-api/${Api}/$default/v1/events`
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const answer = await fetch(url, { method: 'POST', headers, body: gzipSync('{"id":"ünïcode"}') })
  expect(await answer.text()).toBe('taken')
  expect(events[0]?.isBase64Encoded).toBe(true)
  expect(gunzipSync(Buffer.from(events[0]?.body ?? '', 'base64')).toString()).toBe('{"id":"ünïcode"}')
  await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"ünïcode"}' })
  expect(events[1]).toMatchObject({ isBase64Encoded: false, body: '{"id":"ünïcode"}' })
})

test('a restart forgets no record and delivers none twice that was done', async () => {
  const seen: string[] = []
  const rows: string[] = []
  const refused = new Set<string>()
  let open = true
  const admit = (name: string): void => {
    if (open) return
    refused.add(name)
    throw new Error('down')
  }
  const handle = (event: unknown): void => {
    admit('stream')
    seen.push(...textsOf(event as KinesisEvent))
  }
  const handleRows = (event: unknown): void => {
    admit('table')
    const { Records } = event as { Records: { dynamodb: { Keys: { pk: { S: string } } } }[] }
    rows.push(...Records.map(({ dynamodb: { Keys } }) => Keys.pk.S))
  }
  const properties = {
    TableName: 'lasting',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
  }
  await cloud.deploy('lasting', {
    Function: cloud.fn('lasting', handle),
    Rows: cloud.fn('lasting-rows', handleRows),
    Stream: stream('lasting'),
    Table: { Type: 'AWS::DynamoDB::Table', Properties: properties },
    Mapping: mapping(arn('Stream')),
    TableMapping: mapping({ 'Fn::GetAtt': ['Table', 'StreamArn'] }, { FunctionName: { Ref: 'Rows' } }),
  })
  const write = async (...texts: string[]): Promise<void> => {
    await put('lasting', ...texts)
    for (const text of texts) await dynamodb.send(new PutItemCommand({ TableName: 'lasting', Item: { pk: { S: text } } }))
  }
  await write('1', '2')
  await eventually('the first came', () => seen.length === 2 && rows.length === 2)
  open = false
  await write('3', '4')
  // A mapping that gives out the third record has noted that the first two are done.
  await eventually('both mappings have gone on', () => refused.size === 2)
  await cloud.restart()
  open = true
  await write('5')
  await eventually('the others came', () => seen.length >= 5 && rows.length >= 5)
  expect(seen).toEqual(['1', '2', '3', '4', '5'])
  expect(rows).toEqual(['1', '2', '3', '4', '5'])
})
