import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { jest } from '@jest/globals'
import { type StateTable, stateTable } from '../../lambdas/state/dynamodb.ts'
import { type ItemImage, readUserItem } from '../../lambdas/state/dynamodb-items.ts'
import { dynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'
import { pageCache, pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { cloudSettings } from '../../localstack/ministack.ts'
import { userWindowGrain, type WindowItem } from '../../shared/grains/user-window.ts'
import { type SlotItem, windowGrain } from '../../shared/grains/window.ts'
import { newIdentityPage, newIndexPage } from '../../shared/memory/page-content.ts'
import { aQuarantinedEvent, aUserItem } from '../fixtures/builders.ts'
import { emulatedCloud, eventually } from '../fixtures/emulated-cloud.ts'
import { canRunDynamoDbLocal, type Running, startDynamoDbLocal } from './dynamodb-local.ts'
import { readStream, type TableStream } from './table-stream.ts'

jest.setTimeout(120_000)

const localCloud = async (): Promise<Running> => {
  const { access, close } = await emulatedCloud()
  return { ...access, close }
}

const engines: [string, () => Promise<Running>][] = [['the local cloud', localCloud]]
if (await canRunDynamoDbLocal()) engines.push(["Amazon's DynamoDB Local", startDynamoDbLocal])
else console.warn('The contract of the state table is not tested on DynamoDB Local: mvn or a JDK (17 or newer) is missing.')

const aWindow = (user: string, start: number, facts: Partial<WindowItem> = {}): WindowItem => ({
  kind: 'window',
  user,
  projection: 'minutes-r1',
  start,
  version: 1,
  state: { n: 1 },
  ...facts,
})
const windowsOfUser = { pk: 'user#w', sk: 'window#minutes-r1#' }
const slotsOfWindow = { pk: 'window#all-r1#1970-01-01T00:01:00Z', sk: 'slot#' }
const aSlot = (slot: number, facts: Partial<SlotItem> = {}): SlotItem => ({
  kind: 'slot',
  projection: 'all-r1',
  start: 60,
  slot,
  version: 1,
  state: { n: slot },
  users: new Map(),
  ...facts,
})

describe.each(engines)('the state table on %s', (_name, open) => {
  let running: Running
  let client: DynamoDBClient
  let table: StateTable
  let stream: TableStream
  const name = `contract-${Date.now()}`

  beforeAll(async () => {
    running = await open()
    client = new DynamoDBClient(cloudSettings(running))
    const created = await client.send(
      new CreateTableCommand({
        TableName: name,
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: ['pk', 'sk'].map(AttributeName => ({ AttributeName, AttributeType: 'S' as const })),
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    )
    await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName: name })
    stream = { ...running, arn: created.TableDescription?.LatestStreamArn ?? '' }
    table = stateTable(name, dynamoDbOperations(client))
  }, 180_000)

  afterAll(async () => {
    await client.send(new DeleteTableCommand({ TableName: name }))
    await running.close()
  })

  test('an item is put if there is none, or if it has the version that was read; otherwise it does not change', async () => {
    expect(await table.putUser(aUserItem('condition'), undefined)).toBe('written')
    expect(await table.putUser(aUserItem('condition', { sequenceNumber: '9' }), undefined)).toBe('conflict')
    expect(await table.putUser(aUserItem('condition', { version: 2, sequenceNumber: '2' }), 1)).toBe('written')
    expect(await table.putUser(aUserItem('condition', { version: 3, sequenceNumber: '3' }), 1)).toBe('conflict')
    expect(await table.readUser('condition')).toMatchObject({ version: 2, sequenceNumber: '2' })
  })

  test('of many writers that read the same version exactly one succeeds', async () => {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) => table.putUser(aUserItem('race', { sequenceNumber: String(i) }), undefined)),
    )
    expect(results.filter(result => result === 'written')).toHaveLength(1)
    expect((await table.readUser('race'))?.sequenceNumber).toBe(String(results.indexOf('written')))
  })

  test('an item is read exactly as it was written', async () => {
    const item = aUserItem('Ünï\u{1f600}#~ /', {
      version: 1_790_000_000_000_001,
      sequenceNumber: '49681010101010101010101010101010101010101010101010101010',
      identities: Uint8Array.from({ length: 256 }, (_, i) => i),
      pages: Uint8Array.of(0, 255),
      states: { 'a-r1': { '': null, text: 'é\u0000', n: 0.1 } },
      late: 3,
      erasedOrder: 7,
      outbox: [{ projection: 'all-r1', start: -60, order: 5, state: [1] }],
      ttl: 4_000_000_000,
    })
    await table.putUser(item, undefined)
    const found = await table.readUser(item.user)
    expect({ ...found, identities: [...(found?.identities ?? [])], pages: [...(found?.pages ?? [])] }).toEqual({
      ...item,
      identities: [...item.identities],
      pages: [0, 255],
    })
  })

  test('pages are read as they were written, more than one call can have, and a page that does not exist is left out', async () => {
    const pages = pagesTable(name, dynamoDbOperations(client), pageCache())
    const identities = (first: number) =>
      Array.from({ length: 2048 }, (_, i) => ({ hash: BigInt(first + i), arrived: 1_700_000_000 + i, stated: i - 5 }))
    const made = Array.from({ length: 110 }, (_, i) => newIdentityPage(identities(10_000 * i)))
    const index = newIndexPage(made.map(({ reference }) => reference))
    const stored = [...made, index].map(({ reference: { id, isIndex }, packed }) => ({
      user: 'Ünï #1',
      id,
      isIndex,
      content: packed,
      ttl: 4_000_000_000,
    }))
    for (let time = 0; time < 2; time++) await pages.putPages(stored)
    const elsewhere = pagesTable(name, dynamoDbOperations(client), pageCache())
    const found = await elsewhere.readPages('Ünï #1', ['0000000000000000', ...stored.map(({ id }) => id)])
    expect(found.size).toBe(111)
    expect(found.get(made[109]?.reference.id ?? '')).toMatchObject({ identities: identities(1_090_000) })
    expect(found.get(index.reference.id)).toEqual({ references: made.map(({ reference }) => reference) })
  })

  test('many users are read in one call, with large items and with users that have no item', async () => {
    const users = Array.from({ length: 130 }, (_, i) => `many-${i}`)
    const existing = users.filter((_, i) => i % 2 === 0)
    const large = { text: 'x'.repeat(350_000) } // 65 of them are more than the 16 MB of one response
    await Promise.all(existing.map(user => table.putUser(aUserItem(user, { states: { 'large-r1': large } }), undefined)))
    const read = await table.readUsers(users)
    expect([...read.keys()].sort()).toEqual(users.toSorted())
    expect(
      [...read]
        .filter(([, item]) => item !== undefined)
        .map(([user]) => user)
        .sort(),
    ).toEqual(existing.toSorted())
  })

  test('windows of a user and one projection are read newest first, over several pages', async () => {
    const text = 'x'.repeat(100_000)
    const starts = Array.from({ length: 15 }, (_, i) => (i - 3) * 60)
    for (const start of starts) await table.putPart(aWindow('w', start, { state: { text } }), undefined)
    await table.putPart(aWindow('w', 6000, { projection: 'minutes-r10' }), undefined)
    await table.putUser(aUserItem('w'), undefined)
    const newest = starts.toReversed()
    expect((await table.partsBelow(windowsOfUser, 3)).map(({ start }) => start)).toEqual(newest.slice(0, 3))
    expect((await table.partsBelow(windowsOfUser, 100)).map(({ start }) => start)).toEqual(newest)
    expect(await table.readPart(userWindowGrain.parts.itemKey(aWindow('w', 0)))).toMatchObject({
      user: 'w',
      start: 0,
      state: { text },
    })
    expect(await table.putPart(aWindow('w', 0, { version: 9 }), 8)).toBe('conflict')
  })

  test('all slots of a window are read, with the order numbers of their users', async () => {
    const users = new Map(Array.from({ length: 2_000 }, (_, i) => [i.toString(16).padStart(16, '0'), 1_790_000_000_000_000 + i]))
    for (const slot of [0, 1, 10]) expect(await table.putPart(aSlot(slot, { users }), undefined)).toBe('written')
    await table.putPart(aSlot(2, { start: 120 }), undefined)
    const slots = await table.partsBelow(slotsOfWindow)
    expect(slots.map(({ slot = -1 }) => slot).sort((a, b) => a - b)).toEqual([0, 1, 10])
    expect(slots.every(slot => slot.users?.size === 2_000)).toBe(true)
    expect((await table.readPart(windowGrain.parts.itemKey(aSlot(10))))?.users).toEqual(users)
    expect(await table.readPart(windowGrain.parts.itemKey(aSlot(3)))).toBeUndefined()
  })

  test('attempts are stored for each record, and an event that was passed over is read until it is marked', async () => {
    const attempts = { process: 'a', unfinished: 2, since: 5, trying: { sequenceNumber: '7', position: 3 }, fatal: [] }
    await table.writeAttempts('a', '7', attempts)
    expect([await table.readAttempts('a', '7'), await table.readAttempts('a', '8')]).toEqual([attempts, undefined])
    const at = { sequenceNumber: '7', position: 3 }
    const event = aQuarantinedEvent()
    await table.storePassedOver('a', [{ at, event }], 4_000_000_000)
    await table.storePassedOver('a', [{ at, event: { ...event, message: 'later' } }], 4_000_000_000)
    expect(await table.readPassedOver('a', [at])).toEqual([{ at, event }])
    await table.markQuarantined('a', [at], 4_000_000_000)
    await table.storePassedOver('a', [{ at, event }], 4_000_000_000)
    expect(await table.readPassedOver('a', [at, { ...at, position: 4 }])).toEqual([])
  })

  test('an event that was not stored before can be marked, and lines of a record are marked one by one', async () => {
    const [first, second, other] = [1, 20, 3].map(position => ({ sequenceNumber: position === 3 ? '9' : '8', position }))
    if (!first || !second || !other) throw new Error('three positions')
    await table.markQuarantined('m', [first], 4_000_000_000)
    expect(await table.readQuarantined('m', [first, second])).toEqual([first])
    await table.markQuarantinedLines([first], 4_000_000_000)
    await table.markQuarantinedLines([second, first], 4_000_000_000)
    expect(await table.readQuarantinedLines([first, second, other])).toEqual([first, second])
  })

  test('the progress of a shard never decreases', async () => {
    for (const seq of ['9', '10', '9']) await table.recordProgress('s', seq)
    await table.recordProgress('s', '9')
    const key = { pk: { S: 'shard#s' }, sk: { S: 'progress' } }
    const { Item } = await client.send(new GetItemCommand({ TableName: name, Key: key, ConsistentRead: true }))
    expect(Item?.['seq']?.S).toBe('10'.padStart(60, '0'))
  })

  test('the stream has every write of an item in order, with the item before and after; a failed put is not in it', async () => {
    const identities = Uint8Array.of(1, 2, 255)
    await table.putUser(aUserItem('streamed', { identities }), undefined)
    await table.putUser(
      aUserItem('streamed', { version: 2, outbox: [{ projection: 'all-r1', start: 0, order: 2, state: {} }] }),
      1,
    )
    await table.putUser(aUserItem('streamed', { version: 9 }), 8)
    const images = await eventually('both writes are in the stream', async () => {
      const records = (await readStream(stream)).filter(({ dynamodb }) => dynamodb?.Keys?.['pk']?.S === 'user#streamed')
      return records.length >= 2 && records
    })
    const read = (image: ItemImage | undefined) => image && readUserItem(image)
    const seen = images.map(({ eventName, dynamodb }) => [
      eventName,
      read(dynamodb?.OldImage)?.version,
      read(dynamodb?.NewImage)?.version,
    ])
    expect(seen).toEqual([
      ['INSERT', undefined, 1],
      ['MODIFY', 1, 2],
    ])
    expect(Buffer.from(read(images[0]?.dynamodb?.NewImage)?.identities ?? []).equals(Buffer.from(identities))).toBe(true)
  })
})
