import { keyQuotas } from '../../lambdas/ingest/key-quotas.ts'
import type { Key } from '../../shared/keys.ts'
import { ingestInMemory, RECEIVED, withKey } from '../fakes/ingest.ts'
import { aClientKey, aKey } from '../fixtures/keys.ts'
import { type Load, quotasInMemory, runLoad, seeded, spreads } from '../fixtures/quota-load.ts'

const client = { minute: 6000, day: 1_000_000 } as const
const write = { minute: 300_000, day: 'none' } as const
const load = (facts: Partial<Load>): Load => ({
  ...{ environments: 20, spread: spreads['evenly'] as Load['spread'], quota: client, load: 0.9 },
  ...{ eventsPerRequest: 1, bytesPerEvent: 300, minutes: 2, random: seeded(1) },
  ...facts,
})

describe.each([1, 20])('%d environments', environments => {
  describe.each(Object.keys(spreads))('used %s', name => {
    const spread = spreads[name] as Load['spread']

    test.each([1, 2, 25, 500])('of 90 %% of the quota in requests of %d events, none is refused', async eventsPerRequest => {
      for (const quota of eventsPerRequest < 25 ? [client] : [client, write]) {
        const { store } = quotasInMemory()
        const minutes = await runLoad(load({ environments, spread, quota, eventsPerRequest }), store)
        expect(minutes.map(({ refused }) => refused)).toEqual([0, 0])
      }
    })

    test.each([1.05, 1.5, 5])('of %d times the quota, from 90 %% to 110 %% are accepted', async offered => {
      const { store } = quotasInMemory()
      for (const { accepted } of await runLoad(load({ environments, spread, load: offered }), store)) {
        expect(accepted.events).toBeGreaterThanOrEqual(client.minute * 0.9)
        expect(accepted.events).toBeLessThanOrEqual(client.minute * 1.1)
      }
    })

    test('the bytes are limited, too: large events use up the quota before their number does', async () => {
      const { store } = quotasInMemory()
      const minutes = await runLoad(load({ environments, spread, load: 1, bytesPerEvent: 4096 }), store)
      for (const { accepted } of minutes) {
        expect(accepted.bytes).toBeGreaterThanOrEqual(client.minute * 1024 * 0.9)
        expect(accepted.bytes).toBeLessThanOrEqual(client.minute * 1024 * 1.1)
      }
    })
  })
})

test('loads of random form keep both bounds', async () => {
  const names = Object.keys(spreads)
  for (let seed = 1; seed <= 120; seed++) {
    const random = seeded(seed)
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
    const shape = {
      environments: 1 + Math.floor(random() * 20),
      spread: spreads[pick(names)] as Load['spread'],
      quota: { minute: pick([600, 6000, 20_000]), day: 'none' as const },
      load: pick([0.3, 0.85, 0.9, 1, 1.2, 4]),
      eventsPerRequest: 1 + Math.floor(random() * 30),
      bytesPerEvent: pick([10, 1000, 3000]),
      minutes: 3,
      random,
      skew: (environment: number) => (environment % 3) * 40,
    }
    const { store } = quotasInMemory()
    const limit = shape.quota.minute
    const minutes = await runLoad(shape, store)
    const isWithin = minutes.every(
      ({ offered, refused }) => refused === 0 || offered.events > 0.9 * limit || offered.bytes > 0.9 * limit * 1024,
    )
    const isBelow = minutes.every(({ accepted }) => accepted.events <= 1.1 * limit && accepted.bytes <= 1.1 * limit * 1024)
    expect([seed, isWithin, isBelow]).toEqual([seed, true, true])
  }
})

test.each([
  [1, 50],
  [20, 50],
  [1, 100],
  [20, 100],
])(
  '%d environments with %d requests a second and client key: at most one request in 40 asks the store',
  async (environments, perSecond) => {
    const { store, calls } = quotasInMemory()
    const minutes = await runLoad(load({ environments, load: (perSecond * 60) / client.minute, minutes: 5 }), store)
    const requests = minutes.reduce((sum, { offered }) => sum + offered.events, 0)
    expect(requests / calls.count).toBeGreaterThan(40)
  },
)

test('a key whose quota is used up costs the store little', async () => {
  const { store, calls } = quotasInMemory()
  await runLoad(load({ environments: 20, load: 100, minutes: 1 }), store)
  // The last 60 events are leased one by one, and each environment has a lease refused.
  expect(calls.count).toBeLessThan(6000 / 40 + 60 * 2 + 20 * 2)
})

/** Telemetry, and what it counted. */
function counted() {
  const counts: Record<string, number> = {}
  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return { counts, telemetry: { count, annotate: () => {} } }
}

describe('the quota of a day', () => {
  const quota = { minute: 1000, day: 5000 } as const

  test.each([1, 20])('is kept by %d environments, and counts over minutes', async environments => {
    const { store } = quotasInMemory()
    const minutes = await runLoad(load({ environments, quota, load: 0.9, minutes: 12 }), store)
    const accepted = minutes.reduce((sum, each) => sum + each.accepted.events, 0)
    expect(accepted).toBeGreaterThanOrEqual(quota.day * 0.9)
    expect(accepted).toBeLessThanOrEqual(quota.day * 1.1)
    expect(minutes.slice(0, 5).map(({ refused }) => refused)).toEqual([0, 0, 0, 0, 0])
    expect(minutes.at(-1)?.accepted.events).toBe(0)
  })

  test('begins again with the next day, and its end is in Retry-After and in a metric', async () => {
    const clock = { now: Date.UTC(2026, 0, 31, 23, 0) }
    const { counts, telemetry } = counted()
    const told: string[] = []
    const quotas = keyQuotas({
      store: quotasInMemory().store,
      quotaOf: () => ({ minute: 'none', day: 10 }),
      spentKeys: async ({ id }) => void told.push(id),
      now: () => clock.now,
    })
    const take = () => quotas.take(aClientKey(), { events: 10, bytes: 1 }, telemetry)
    expect(await take()).toBeUndefined()
    expect(await take()).toMatchObject({ code: 'rate_limited', retryAfter: 3600 })
    expect([counts, told]).toEqual([{ DailyQuotasSpent: 1 }, ['k_page']])
    clock.now += 3_600_000
    expect(await take()).toBeUndefined()
  })
})

describe('a store that fails', () => {
  const failing = { lease: async () => Promise.reject(new Error('down')) }

  test('refuses nobody, and is not asked again for some seconds', async () => {
    const { counts, telemetry } = counted()
    const clock = { now: RECEIVED }
    let calls = 0
    const store = {
      lease: async () => {
        calls += 1
        return failing.lease()
      },
    }
    const quotas = keyQuotas({ store, quotaOf: () => client, spentKeys: async () => undefined, now: () => clock.now })
    for (let n = 0; n < 10; n++) expect(await quotas.take(aClientKey(), { events: 5000, bytes: 1 }, telemetry)).toBeUndefined()
    expect([calls, counts]).toEqual([1, { QuotasUnchecked: 10 }])
    clock.now += 5_001
    await quotas.take(aClientKey(), { events: 1, bytes: 1 }, telemetry)
    expect(calls).toBe(2)
  })

  test('counts what was used meanwhile when it is back', async () => {
    const { telemetry } = counted()
    const clock = { now: RECEIVED - (RECEIVED % 60_000) }
    const memory = quotasInMemory()
    const state = { isUp: false }
    const store = {
      lease: (...call: Parameters<typeof memory.store.lease>) => (state.isUp ? memory.store.lease(...call) : failing.lease()),
    }
    const quotas = keyQuotas({ store, quotaOf: () => client, spentKeys: async () => undefined, now: () => clock.now })
    await quotas.take(aClientKey(), { events: 6000, bytes: 1 }, telemetry)
    state.isUp = true
    clock.now += 5_001
    expect(await quotas.take(aClientKey(), { events: 1, bytes: 1 }, telemetry)).toMatchObject({ code: 'rate_limited' })
  })
})

describe('ingest', () => {
  const limited = (key: Key, quota = client as { readonly minute: number; readonly day: number }) => {
    const quotas = keyQuotas({
      store: quotasInMemory().store,
      quotaOf: () => quota,
      spentKeys: async () => undefined,
      now: () => RECEIVED,
    })
    return ingestInMemory({ keys: { find: async () => key }, quotas })
  }
  const users = (count: number) =>
    JSON.stringify(Array.from({ length: count }, (_, n) => ({ type: 'note', id: `${n}`, subject: `${n}` })))

  test('accepts a request of 2,500 users with a client key, and answers 429 with Retry-After beyond the quota', async () => {
    const { request, events, counts, annotations } = limited(aClientKey())
    const statuses = []
    for (let n = 0; n < 3; n++) {
      const { status, headers, body } = await request('/v1/events', { headers: withKey, body: users(2500) })
      statuses.push([status, headers['retry-after'], body.code])
    }
    const seconds = String(60 - Math.floor((RECEIVED % 60_000) / 1000))
    expect(statuses).toEqual([
      [200, undefined, undefined],
      [200, undefined, undefined],
      [429, seconds, 'rate_limited'],
    ])
    expect(events).toHaveLength(5000)
    expect(annotations).toMatchObject({ key: 'page', quotaSpent: 'minute', code: 'rate_limited' })
    expect(counts['RequestsRefused']).toBe(1)
  })

  test('does not decode a body once the quota is used up', async () => {
    const { request } = limited(aClientKey(), { minute: 1, day: 10 })
    await request('/v1/events', { headers: withKey, body: users(1) })
    expect((await request('/v1/events', { headers: withKey, body: users(1) })).status).toBe(429)
    expect((await request('/v1/events', { headers: withKey, body: '{not json' })).status).toBe(429)
  })

  test('counts every element, and a request without any as one', async () => {
    const { request } = limited(aKey({ quota: { minute: 4, day: 'none' } }))
    const statuses = []
    for (const body of ['[]', '[1,2]', '[]', '[]'])
      statuses.push((await request('/v1/events', { headers: withKey, body })).status)
    expect(statuses).toEqual([200, 200, 200, 429])
  })

  test('a request that is larger than the whole quota says so, and not that a wait helps', async () => {
    const { request, annotations } = limited(aKey({ quota: { minute: 4, day: 'none' } }))
    const send = async (body: string) => {
      const { status, headers, body: answer } = await request('/v1/events', { headers: withKey, body })
      return [status, headers['retry-after'], answer.code, answer.message]
    }
    expect(await send('[1,2,3,4,5]')).toEqual([
      ...[429, '60', 'rate_limited'],
      'The request has 5 events with 11 bytes, more than the whole quota of this key for a minute: 4 events with 4 KB. Send fewer events in a request, or raise the quota with `millrace keys change`.',
    ])
    expect(annotations).toMatchObject({ quotaTooSmall: 'minute', code: 'rate_limited' })
    expect((await send(JSON.stringify({ type: 'note', text: 'x'.repeat(5000) })))[3]).toContain(
      '1 event with 5,025 bytes, more than',
    )
    expect(await send('[1,2,3,4]')).toEqual([200, undefined, undefined, undefined])
  })

  test('keys of one name have a quota each', async () => {
    const { request } = limited(aClientKey(), { minute: 1, day: 10 })
    expect((await request('/v1/events', { headers: withKey, body: users(1) })).status).toBe(200)
    const other = limited(aClientKey({ id: 'k_second' }), { minute: 1, day: 10 })
    expect((await other.request('/v1/events', { headers: withKey, body: users(1) })).status).toBe(200)
  })
})
