import { gunzipSync, gzipSync } from 'node:zlib'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { jest } from '@jest/globals'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { parquetReadObjects } from 'hyparquet'
import { type EmulatedCloud, emulatedCloud, eventually } from '../fixtures/emulated-cloud.ts'
import { arn, bucket, putTexts, readObjects, stream } from '../fixtures/emulated-stack.ts'

// Where events enter and leave the emulated cloud: the HTTP API and Firehose.

jest.setTimeout(60_000)

let cloud: EmulatedCloud
beforeAll(async () => {
  cloud = await emulatedCloud()
}, 180_000)
afterAll(() => cloud.close())

test('a delivery stream writes one Parquet object per flush and writes only the malformed line to the error prefix', async () => {
  const { Bucket = '' } = await cloud.deploy('delivery', deliveryResources, { Bucket: { Ref: 'Bucket' } })
  await putTexts(
    cloud,
    'delivery',
    '{"id":"a","count":1}\n{"id":"b","count":"not a number"}\n{"id":"c","Count":9007199254740993,"mean":0.1}\n',
  )
  await putTexts(cloud, 'delivery', '{"id":"d","extra":true}\n')
  const files = await eventually('Firehose flushes', async () => {
    const objects = await readObjects(cloud, Bucket, 'events/dt=')
    return objects.length > 0 && objects
  })
  expect(files).toHaveLength(1)
  const file = new Uint8Array(files[0] ?? []).buffer
  expect(await parquetReadObjects({ file })).toEqual([
    { id: 'a', count: 1n, mean: null },
    { id: 'c', count: 9007199254740993n, mean: 0.1 },
    { id: 'd', count: null, mean: null },
  ])
  const errors = await readObjects(cloud, Bucket, 'errors/format-conversion-failed/')
  const [line] = errors.map(bytes => JSON.parse(Buffer.from(bytes).toString()))
  expect(Buffer.from(line.rawData, 'base64').toString()).toBe('{"id":"b","count":"not a number"}')
  expect(line).toMatchObject({
    ErrorCode: 'DataFormatConversion.MalformedData',
    attemptsMade: 1,
    dataCatalogTable: { tableName: 'events' },
  })
})

test('a gzip body reaches the function byte for byte, whatever its content type is', async () => {
  const events: APIGatewayProxyEventV2[] = []
  const handle = (event: APIGatewayProxyEventV2): APIGatewayProxyStructuredResultV2 => {
    events.push(event)
    return { statusCode: 200, body: 'handled' }
  }
  const resources = { Function: cloud.fn('gateway', handle), ...apiResources }
  const { Api = '' } = await cloud.deploy('gateway', resources, { Api: { Ref: 'Api' } })
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const response = await cloud.callApi(Api, '/v1/events', { method: 'POST', headers, body: gzipSync('{"id":"ünïcode"}') })
  expect(await response.text()).toBe('handled')
  expect(events[0]?.isBase64Encoded).toBe(true)
  expect(gunzipSync(Buffer.from(events[0]?.body ?? '', 'base64')).toString()).toBe('{"id":"ünïcode"}')
  const json = { 'content-type': 'application/json' }
  await cloud.callApi(Api, '/v1/events', { method: 'POST', headers: json, body: '{"id":"ünïcode"}' })
  expect(events[1]).toMatchObject({ isBase64Encoded: false, body: '{"id":"ünïcode"}' })
})

describe('what is larger than Lambda allows, counted as JSON with the body as a string', () => {
  let api: string
  let name: string
  let returned: string
  beforeAll(async () => {
    const handle = (event: APIGatewayProxyEventV2 | { bytes: number }): APIGatewayProxyStructuredResultV2 => ({
      statusCode: 200,
      body: 'bytes' in event ? 'x'.repeat(event.bytes) : returned,
    })
    const resources = { Function: cloud.fn('limits', handle), ...apiResources }
    const outputs = { Api: { Ref: 'Api' }, Name: { Ref: 'Function' } }
    const { Api = '', Name = '' } = await cloud.deploy('limits', resources, outputs)
    api = Api
    name = Name
  })
  const post = async (body: string) => {
    const headers = { 'content-type': 'application/json' }
    const response = await cloud.callApi(api, '/v1/events', { method: 'POST', headers, body })
    return [response.status, (await response.text()).slice(0, 100)]
  }

  test('a request of 3.9 MB full of quotes is refused with 413; without quotes it is not', async () => {
    returned = 'ok'
    expect(await post('"'.repeat(3.9 * 2 ** 20))).toEqual([413, '{"message": "Request Too Long"}'])
    expect(await post('x'.repeat(3.9 * 2 ** 20))).toEqual([200, 'ok'])
  })

  test('a response over 6 MB is an error of the function, also if its text is smaller', async () => {
    returned = '"'.repeat(3.9 * 2 ** 20)
    expect(await post('{}')).toEqual([502, expect.stringContaining('Function.ResponseSizeTooLarge')])
    returned = '"'.repeat(2.9 * 2 ** 20)
    expect(await post('{}')).toMatchObject([200, '"'.repeat(100)])
  })

  test.each([
    ['RequestResponse', 6.1, 413],
    ['Event', 1.1, 413],
    ['Event', 0.9, 202],
  ] as const)('an invocation of type %s with %d MB gives %d', async (type, megabytes, status) => {
    const command = new InvokeCommand({
      FunctionName: name,
      InvocationType: type,
      Payload: Buffer.from(JSON.stringify({ bytes: 1, padding: 'x'.repeat(megabytes * 2 ** 20) })),
    })
    const sent = cloud.lambda.send(command).then(
      ({ StatusCode }) => StatusCode,
      error => error.$metadata.httpStatusCode,
    )
    expect(await sent).toBe(status)
  })
})

const CatalogId = '000000000000'
const RoleARN = 'arn:aws:iam::000000000000:role/any'

/** A stream that Firehose converts to Parquet by a Glue table and writes to a bucket. */
const deliveryResources = {
  Stream: stream('delivery'),
  Bucket: bucket,
  Database: { Type: 'AWS::Glue::Database', Properties: { CatalogId, DatabaseInput: { Name: 'archive' } } },
  Table: {
    Type: 'AWS::Glue::Table',
    DependsOn: 'Database',
    Properties: {
      CatalogId,
      DatabaseName: 'archive',
      TableInput: {
        Name: 'events',
        StorageDescriptor: {
          Columns: [
            { Name: 'id', Type: 'string' },
            { Name: 'count', Type: 'bigint' },
            { Name: 'mean', Type: 'double' },
          ],
        },
      },
    },
  },
  Delivery: {
    Type: 'AWS::KinesisFirehose::DeliveryStream',
    DependsOn: 'Table',
    Properties: {
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: { KinesisStreamARN: arn('Stream'), RoleARN },
      ExtendedS3DestinationConfiguration: {
        BucketARN: arn('Bucket'),
        RoleARN,
        BufferingHints: { IntervalInSeconds: 60, SizeInMBs: 64 },
        Prefix: 'events/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/',
        ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        DataFormatConversionConfiguration: {
          Enabled: true,
          InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
          OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
          SchemaConfiguration: { DatabaseName: 'archive', TableName: 'events', RoleARN },
        },
      },
    },
  },
}

/** An HTTP API with one route to the resource `Function`. */
const apiResources = {
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
}
