import { createHash } from 'node:crypto'
import { ConditionalCheckFailedException, DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { mockClient } from 'aws-sdk-client-mock'
import { keyStore } from '../../lambdas/keys/dynamodb.ts'
import { toKeyItem } from '../../lambdas/keys/dynamodb-items.ts'
import { keyUse } from '../../lambdas/keys/dynamodb-use.ts'
import { planKey } from '../../lambdas/keys/plan-key.ts'

const START = Date.UTC(2026, 0, 31, 23, 59)
const hash = createHash('sha256').update('k').digest('hex')
/** A key as the first version stored it. */
const legacy = { hash: { S: hash }, name: { S: 'web' }, scope: { S: 'write' }, created: { S: '2025-01-01T00:00:00Z' } }

function aStore() {
  const clock = { now: START }
  const client = new DynamoDBClient({ region: 'any' })
  const table = mockClient(client)
  table.on(GetItemCommand).resolves({ Item: legacy })
  table.on(UpdateItemCommand).resolves({})
  const now = () => clock.now
  return { clock, table, keys: keyStore('keys', client, now, keyUse('use', client, now)) }
}

test('a revoked key is rejected within a minute, a new key works within seconds, and a failed lookup throws', async () => {
  const { clock, table, keys } = aStore()
  table.on(GetItemCommand).resolves({})
  expect(await keys.find('k')).toBeUndefined()
  table.on(GetItemCommand).resolves({ Item: legacy })
  clock.now += 5_001
  expect(await keys.find('k')).toMatchObject({ name: 'web', scope: 'write' })
  table.on(GetItemCommand).resolves({ Item: { ...legacy, revoked: { S: 'yes' } } })
  clock.now += 55_000
  expect(await keys.find('k')).toBeUndefined()
  table.on(GetItemCommand).rejects(new Error('down'))
  clock.now += 55_000
  await expect(keys.find('k')).rejects.toThrow('down')
})

test('a key of an earlier version has an id, and no limits', async () => {
  expect(await aStore().keys.find('k')).toMatchObject({
    id: `k_${hash.slice(0, 16)}`,
    ...{ source: 'web', sources: '*', types: '*', origins: '*' },
    ...{ quota: undefined, expires: undefined, secret: undefined },
  })
})

test('a key is read as it was stored', async () => {
  const { keys, table } = aStore()
  const facts = { name: 'page', scope: 'client', text: 'k', created: START, secret: 's' } as const
  const limits = {
    sources: ['shop'],
    types: ['note'],
    origins: ['https://a'],
    quota: { minute: 5, day: 'none' },
    expires: START + 1,
  } as const
  const stored = planKey({ ...facts, ...limits }, [])
  table.on(GetItemCommand).resolves({ Item: toKeyItem(stored) })
  expect(await keys.find('k')).toEqual(stored)
  expect(JSON.stringify(toKeyItem(stored))).not.toContain('"k"')
})

test('a key expires at its time, also while it is cached', async () => {
  const { clock, table, keys } = aStore()
  table.on(GetItemCommand).resolves({ Item: { ...legacy, expires: { S: new Date(START + 1000).toISOString() } } })
  expect(await keys.find('k')).toBeDefined()
  clock.now += 1000
  expect(await keys.find('k')).toBeUndefined()
  expect(table.commandCalls(GetItemCommand)).toHaveLength(1)
})

describe('the day of the last use', () => {
  test('is written once a day', async () => {
    const { clock, table, keys } = aStore()
    for (let minute = 0; minute < 10; minute++) {
      await keys.find('k')
      clock.now += 60_000
    }
    const days = table
      .commandCalls(UpdateItemCommand)
      .map(({ args: [{ input }] }) => input.ExpressionAttributeValues?.[':day']?.S)
    expect(days).toEqual(['2026-01-31', '2026-02-01'])
  })

  test('never fails a request, and is tried again with the next read of the key', async () => {
    const { clock, table, keys } = aStore()
    table.on(UpdateItemCommand).rejects(new Error('down'))
    for (let minute = 0; minute < 2; minute++) {
      expect(await keys.find('k')).toBeDefined()
      clock.now += 55_000
    }
    expect(table.commandCalls(UpdateItemCommand)).toHaveLength(2)
  })

  test('that another environment wrote stays', async () => {
    const { table, keys } = aStore()
    table.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ $metadata: {}, message: 'no' }))
    expect(await keys.find('k')).toBeDefined()
  })

  test('of a revoked key is not written', async () => {
    const { table, keys } = aStore()
    table.on(GetItemCommand).resolves({ Item: { ...legacy, revoked: { S: 'yes' } } })
    expect(await keys.find('k')).toBeUndefined()
    expect(table.commandCalls(UpdateItemCommand)).toHaveLength(0)
  })
})
