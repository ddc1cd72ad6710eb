import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { jest } from '@jest/globals'
import type { DynamoDBStreamEvent, KinesisStreamEvent } from 'aws-lambda'
import { type EmulatedCloud, emulatedCloud, eventually } from '../fixtures/emulated-cloud.ts'
import { arn, keysOf, mapping, putTexts, stream, streamArn, table, textsOf } from '../fixtures/emulated-stack.ts'

jest.setTimeout(60_000)

let cloud: EmulatedCloud
beforeAll(async () => {
  cloud = await emulatedCloud()
}, 180_000)
afterAll(() => cloud.close())

async function putItems(TableName: string, ...keys: string[]): Promise<void> {
  for (const key of keys) await cloud.dynamodb.send(new PutItemCommand({ TableName, Item: { pk: { S: key } } }))
}

test('two mappings of a table stream have separate checkpoints and filters', async () => {
  const failing: string[] = []
  const filtered: string[] = []
  const fail = (event: DynamoDBStreamEvent): void => {
    failing.push(...keysOf(event))
    throw new Error('down')
  }
  const Pattern = JSON.stringify({ dynamodb: { Keys: { pk: { S: [{ prefix: 'user#' }] } } } })
  await cloud.deploy('tables', {
    Function: cloud.fn('failing', fail),
    Other: cloud.fn<DynamoDBStreamEvent>('filtered', event => void filtered.push(...keysOf(event))),
    Table: table('streamed'),
    Failing: mapping(streamArn('Table')),
    Filtered: mapping(streamArn('Table'), { FunctionName: { Ref: 'Other' }, FilterCriteria: { Filters: [{ Pattern }] } }),
  })
  await putItems('streamed', 'user#1', 'other', 'user#2', 'user#3')
  await eventually('the healthy mapping delivers all items that match its filter', () => filtered.length === 3)
  expect(filtered).toEqual(['user#1', 'user#2', 'user#3'])
  await eventually('the failing mapping retries', () => failing.length > 1)
  expect(new Set(failing.filter((_, i) => i % 4 === 0))).toContain('user#1')
})

test('a restart loses no record and redelivers none that was processed', async () => {
  const records: string[] = []
  const items: string[] = []
  const rejectedBy = new Set<string>()
  let failing = false
  const failIfDown = (mappingName: string): void => {
    if (!failing) return
    rejectedBy.add(mappingName)
    throw new Error('down')
  }
  const handleRecords = (event: KinesisStreamEvent): void => {
    failIfDown('stream')
    records.push(...textsOf(event))
  }
  const handleItems = (event: DynamoDBStreamEvent): void => {
    failIfDown('table')
    items.push(...keysOf(event))
  }
  await cloud.deploy('lasting', {
    Function: cloud.fn('lasting', handleRecords),
    Items: cloud.fn('lasting-items', handleItems),
    Stream: stream('lasting'),
    Table: table('lasting'),
    Mapping: mapping(arn('Stream')),
    TableMapping: mapping(streamArn('Table'), { FunctionName: { Ref: 'Items' } }),
  })
  const write = async (...texts: string[]): Promise<void> => {
    await putTexts(cloud, 'lasting', ...texts)
    await putItems('lasting', ...texts)
  }
  await write('1', '2')
  await eventually('the first two are delivered', () => records.length === 2 && items.length === 2)
  failing = true
  await write('3', '4')
  // A mapping that delivers the third record has checkpointed the first two.
  await eventually('both mappings have delivered the third', () => rejectedBy.size === 2)
  await cloud.restart()
  failing = false
  await write('5')
  await eventually('the others are delivered', () => records.length >= 5 && items.length >= 5)
  expect(records).toEqual(['1', '2', '3', '4', '5'])
  expect(items).toEqual(['1', '2', '3', '4', '5'])
})
