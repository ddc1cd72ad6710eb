import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { jest } from '@jest/globals'
import { quotaStore } from '../../lambdas/ingest/dynamodb-quotas.ts'
import { keyQuotas } from '../../lambdas/ingest/key-quotas.ts'
import { keyUse, listUse } from '../../lambdas/keys/dynamodb-use.ts'
import { cloudSettings } from '../../localstack/ministack.ts'
import type { Quota } from '../../shared/keys.ts'
import { emulatedCloud } from '../fixtures/emulated-cloud.ts'
import { aClientKey } from '../fixtures/keys.ts'
import { canRunDynamoDbLocal, type Running, startDynamoDbLocal } from './dynamodb-local.ts'

jest.setTimeout(180_000)

const localCloud = async (): Promise<Running> => {
  const { access, close } = await emulatedCloud()
  return { ...access, close }
}

const engines: [string, () => Promise<Running>][] = [['the local cloud', localCloud]]
if (await canRunDynamoDbLocal()) engines.push(["Amazon's DynamoDB Local", startDynamoDbLocal])
else console.warn('The contract of the quotas is not tested on DynamoDB Local: mvn or a JDK (17 or newer) is missing.')

const START = Date.UTC(2026, 0, 31, 23, 58)

describe.each(engines)('the quotas on %s', (_name, open) => {
  let running: Running
  let client: DynamoDBClient
  const table = `quotas-${Date.now()}`

  beforeAll(async () => {
    running = await open()
    client = new DynamoDBClient(cloudSettings(running))
    await client.send(
      new CreateTableCommand({
        TableName: table,
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName: table })
  }, 180_000)

  afterAll(async () => {
    await client.send(new DeleteTableCommand({ TableName: table }))
    await running.close()
  })

  /**
   * Concurrent environments with one key; each sends one request after the other, as on Lambda. They wait longer for the store than
   * on Lambda, because the machine of the tests may be busy.
   */
  function environments(count: number, id: string, quota: Quota) {
    const clock = { now: START }
    const telemetryCounts: Record<string, number> = {}
    const note = (name: string): void => {
      telemetryCounts[name] = (telemetryCounts[name] ?? 0) + 1
    }
    const all = Array.from({ length: count }, () =>
      keyQuotas({
        store: quotaStore(table, client, 60_000),
        quotaOf: () => quota,
        spentKeys: async () => undefined,
        now: () => clock.now,
      }),
    )
    const send = async (requests: number, events = 1): Promise<number> => {
      const accepted = await Promise.all(
        all.map(async quotas => {
          let taken = 0
          for (let n = 0; n < requests; n++) {
            const refusal = await quotas.take(
              aClientKey({ id }),
              { events, bytes: events * 300 },
              { count: note, annotate: () => {} },
            )
            if (!refusal) taken += events
          }
          return taken
        }),
      )
      return accepted.reduce((sum, taken) => sum + taken, 0)
    }
    return { clock, send, counts: telemetryCounts }
  }

  test.each([1, 20])(
    '%d concurrent environments accept from 90 %% to 110 %% of the quota, and nothing below 90 %% is refused',
    async count => {
      const limit = 2000
      const { clock, send, counts } = environments(count, `k_bounds_${count}`, { minute: limit, day: 'none' })
      for (let minute = 0; minute < 3; minute++) {
        const most = (limit * 0.9) / count
        expect(await send(most)).toBe(limit * 0.9)
        const more = await send(limit / count)
        expect(limit * 0.9 + more).toBeLessThanOrEqual(limit * 1.1)
        clock.now += 60_000
      }
      // Nothing was accepted because the store failed.
      expect(counts['QuotasUnchecked']).toBeUndefined()
    },
  )

  test('the use of a day adds up over minutes, begins again with the next day, and is listed beside the day of the last use', async () => {
    const { clock, send, counts } = environments(20, 'k_day', { minute: 'none', day: 4000 })
    await keyUse(table, client, () => clock.now).note('k_day')
    const first = await send(100)
    clock.now += 60_000
    const accepted = first + (await send(200))
    expect(accepted).toBeGreaterThanOrEqual(3600)
    expect(accepted).toBeLessThanOrEqual(4400)
    expect(counts['DailyQuotasSpent']).toBeGreaterThan(0)
    const use = (await listUse(table, client, clock.now)).get('k_day')
    expect(use?.lastUsed).toBe('2026-01-31')
    expect(use?.today).toBeGreaterThan(3600)
    expect((await listUse(table, client, clock.now + 86_400_000)).get('k_day')?.today).toBe(0)
    clock.now += 60_000
    expect(await send(100)).toBe(2000)
    expect(counts['QuotasUnchecked']).toBeUndefined()
  })

  test('an environment whose clock is a little behind counts in the minute that another has begun', async () => {
    const quota = { minute: 100, day: 'none' } as const
    const early = environments(1, 'k_skew', quota)
    const late = environments(1, 'k_skew', quota)
    early.clock.now = START + 60_000
    late.clock.now = START + 59_990
    expect((await early.send(80)) + (await late.send(80))).toBeLessThanOrEqual(110)
  })

  test('a table that is missing refuses nobody', async () => {
    const counts: string[] = []
    const quotas = keyQuotas({
      store: quotaStore('missing', client),
      quotaOf: () => ({ minute: 1, day: 1 }),
      spentKeys: async () => undefined,
      now: () => START,
    })
    const telemetry = { count: (name: string) => void counts.push(name), annotate: () => {} }
    for (let n = 0; n < 3; n++) expect(await quotas.take(aClientKey(), { events: 1, bytes: 1 }, telemetry)).toBeUndefined()
    expect(counts).toEqual(Array(3).fill('QuotasUnchecked'))
  })
})
