import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { bundlesOf } from '../../cli/quarantine/bundles.ts'
import { discardItems } from '../../cli/quarantine/discard.ts'
import { readEvent } from '../../cli/quarantine/read-event.ts'
import { scanQuarantine } from '../../cli/quarantine/scan.ts'
import { quarantineStore, requestQuarantine } from '../../lambdas/quarantine/dynamodb.ts'
import { bundleStore } from '../../lambdas/quarantine/dynamodb-bundles.ts'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { unpackBundle } from '../../lambdas/quarantine/unpack-bundle.ts'
import { readQuarantine } from '../../lambdas/query/quarantine.ts'
import { type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import { isRejection } from '../../shared/rejections.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'
import { seeded } from '../fixtures/quota-load.ts'

const DAY_MS = 86_400_000
const event = (n: number, facts: Partial<QuarantinedEvent> = {}): QuarantinedEvent =>
  aQuarantinedEvent({ id: `e${n}`, position: n, body: `{"id":"e${n}"}`, ...facts })
const events = (count: number, facts: Partial<QuarantinedEvent> = {}, from = 0): QuarantinedEvent[] =>
  Array.from({ length: count }, (_, n) => event(from + n, facts))

/** The quarantine in memory. `broken` makes every call of a client fail from that call on. */
function quarantine({ days, stores = quarantineStores() }: { days?: number; stores?: ReturnType<typeof quarantineStores> } = {}) {
  const clock = { now: 10 * DAY_MS }
  const now = () => clock.now
  const all = { ...stores, now }
  const store = quarantineStore('t', 'b', stores.dynamodb, stores.s3, { days, now })
  const reader = quarantineReader('t', 'b', stores.dynamodb, stores.s3, now)
  const unpack = async (keys: readonly string[]) => {
    for (const key of keys) await unpackBundle(key, { bundles: bundleStore(all), quarantine: store })
  }
  const list = () => scanQuarantine(all)
  return {
    ...all,
    clock,
    reader,
    list,
    unpack,
    add: (some: readonly QuarantinedEvent[]) => requestQuarantine(store).add(some),
    counts: async () => new Map((await list()).map(({ id, count }) => [id, count])),
    discard: async (isSelected: (n: number) => boolean) => {
      const before = await list()
      const selected = before.filter(({ id }) => isSelected(Number(id?.slice(1))))
      return discardItems(selected, before, { reader, list, unpack })
    },
    rows: async (parameters: Record<string, string> = {}) => {
      const pages: { id: string | null; count: number; sample: string | null }[][] = []
      let cursor: string | null = null
      do {
        const page = await readQuarantine({ ...parameters, ...(cursor && { cursor }) }, all)
        if (isRejection(page)) throw new Error(page.message)
        pages.push(page.data.map(({ id, count, sample }) => ({ id, count, sample })))
        cursor = page.cursor
      } while (cursor)
      return pages
    },
  }
}

const fail = (): never => {
  throw new Error('The event is not in quarantine.')
}

test.each([
  [1, { items: 1, objects: 0 }],
  [10, { items: 10, objects: 0 }],
  [11, { items: 1, objects: 1 }],
  [2_500, { items: 1, objects: 1 }],
  [10_000, { items: 1, objects: 1 }],
])('a request with %d rejected events is stored with %j', async (count, expected) => {
  const { add, list, items, objects, asked } = quarantine()
  await add(events(count))
  expect({ items: items.size, objects: objects.size }).toEqual(expected)
  expect(asked.filter(name => name === 'UpdateItemCommand').length).toBeLessThanOrEqual(10)
  expect(await list()).toHaveLength(count)
})

test('a request that is sent again raises the count of its bundle; its events keep their first arrival', async () => {
  const { add, list, items, objects } = quarantine()
  await add(events(20, { received: 5 }))
  await add(events(20, { received: 9 }))
  expect([items.size, objects.size]).toEqual([1, 1])
  expect((await list()).map(({ count, received }) => [count, received])).toEqual(events(20).map(() => [2, 5]))
})

test('equal events within a request, in several requests and alone are one event with a count, in the list and in the API', async () => {
  const { add, counts, rows } = quarantine()
  await add([...events(20), event(0), event(0)])
  await add(events(20, {}, 10))
  await add([event(0), event(15), event(99)])
  const expected = new Map([...events(10), ...events(20, {}, 10)].map(({ id }) => [id, 1]))
  for (let n = 10; n < 20; n++) expected.set(`e${n}`, 2)
  expected.set('e0', 4).set('e15', 3).set('e99', 1)
  expect(await counts()).toEqual(expected)
  for (const limit of ['1000', '7', '1']) {
    const found = (await rows({ limit })).flat()
    expect(new Map(found.map(({ id, count }) => [id, count]))).toEqual(expected)
    expect(found).toHaveLength(expected.size)
  }
})

test('the API filters events of bundles by code, and shows the beginnings of their bodies', async () => {
  const { add, rows } = quarantine()
  await add([...events(15), ...events(2, { code: 'date_missing' }, 50)])
  await add([event(60, { code: 'date_missing' })])
  const found = (await rows({ code: 'date_missing', limit: '1' })).flat()
  expect(found.map(({ id }) => id).sort()).toEqual(['e50', 'e51', 'e60'])
  expect(found.map(({ sample }) => sample).sort()).toEqual(['{"id":"e50"}', '{"id":"e51"}', '{"id":"e60"}'])
})

test('an event of a bundle is shown with its body and its count', async () => {
  const stores = quarantine()
  await stores.add(events(20, { keyId: 'k1', clientSource: 'page' }))
  await stores.add(events(20, { keyId: 'k1', clientSource: 'page' }))
  const listed = (await stores.list()).find(({ id }) => id === 'e7') ?? fail()
  const whole = event(7, { keyId: 'k1', clientSource: 'page' })
  expect(await readEvent(listed, stores)).toEqual({ ...whole, key: quarantineKey(whole), count: 2 })
})

test('events of a bundle become items, which can be replayed; a request that is sent again is a bundle again', async () => {
  const { add, list, unpack, counts, reader, objects } = quarantine()
  await add(events(20))
  await add([event(3)])
  await unpack(bundlesOf(await list()))
  expect([bundlesOf(await list()), objects.size]).toEqual([[], 0])
  expect(await reader.read(quarantineKey(event(3)))).toMatchObject({ count: 2, position: 3, body: '{"id":"e3"}' })
  expect(await reader.read(quarantineKey(event(4)))).toMatchObject({ count: 1 })
  await add(events(20))
  expect((await counts()).get('e3')).toBe(3)
})

test('discarding all events of a bundle removes it without writing its events; discarding some of them leaves the others', async () => {
  const { add, counts, discard, items, objects, asked } = quarantine()
  await add(events(20))
  await add(events(20, {}, 100))
  await add([event(5)])
  asked.length = 0
  expect(await discard(n => n < 100)).toEqual({ discarded: 20, kept: 0 })
  expect(asked.filter(name => name === 'UpdateItemCommand')).toEqual([])
  expect([items.size, objects.size]).toEqual([1, 1])
  expect(await discard(n => n === 110)).toEqual({ discarded: 1, kept: 0 })
  expect([...(await counts()).keys()]).toEqual(events(20, {}, 100).flatMap(({ id }) => (id === 'e110' ? [] : [id])))
})

test('discarding keeps a bundle that was quarantined again meanwhile', async () => {
  const { add, list, counts, reader, unpack } = quarantine()
  await add(events(20))
  const before = await list()
  await add(events(20))
  expect(await discardItems(before, before, { reader, list, unpack })).toEqual({ discarded: 0, kept: 20 })
  await add(events(20))
  const some = before.slice(0, 3)
  expect(await discardItems(some, before, { reader, list, unpack })).toEqual({ discarded: 0, kept: 3 })
  expect([...(await counts()).values()]).toEqual(events(20).map(() => 3))
})

test('a bundle expires with its object some days after its last occurrence; what has expired is not listed', async () => {
  const { add, list, rows, clock, items, objects } = quarantine({ days: 90 })
  await add(events(20))
  await add([event(99)])
  clock.now += 60 * DAY_MS
  const names = [...objects.keys()]
  objects.clear()
  await add(events(20))
  // Written again, so that it does not expire before its item.
  expect([...objects.keys()]).toEqual(names)
  expect(await list()).toHaveLength(21)
  clock.now += 31 * DAY_MS
  expect([(await list()).length, (await rows()).flat().length]).toEqual([20, 20])
  expect([...items.values()].map(({ ttl }) => Number(ttl?.N) / 86_400).sort()).toEqual([100, 160])
  clock.now += 60 * DAY_MS
  expect([await list(), (await rows()).flat()]).toEqual([[], []])
})

test('an object without an item, as a function that ended between the two leaves it, is not listed', async () => {
  const stores = quarantineStores()
  const { send } = stores.dynamodb as unknown as { send: (command: unknown) => Promise<unknown> }
  let ended = false
  const ending = async (command: { input: { UpdateExpression?: string } }) => {
    if (!ended && command.input.UpdateExpression?.includes('if_not_exists')) {
      ended = true
      throw new Error('ended')
    }
    return send(command)
  }
  const dynamodb: DynamoDBClient = Object.assign(Object.create(stores.dynamodb), { send: ending })
  const { add, list, rows, counts } = quarantine({ stores: { ...stores, dynamodb } })
  await expect(add(events(20))).rejects.toThrow('ended')
  expect(stores.objects.size).toBe(1)
  expect([await list(), (await rows()).flat()]).toEqual([[], []])
  await add(events(20))
  expect([...(await counts()).values()]).toEqual(events(20).map(() => 1))
})

test('a bundle whose object is gone stops the unpacking of no other', async () => {
  const { add, list, unpack, counts, objects } = quarantine()
  await add(events(20))
  const gone = bundlesOf(await list())
  const [object = ''] = objects.keys()
  await add(events(20, {}, 20))
  const both = bundlesOf(await list())
  objects.delete(object)
  await unpack([...gone, ...both])
  expect([...(await counts()).keys()]).toEqual(events(20, {}, 20).map(({ id }) => id))
})

test('an unpacking that broke off is not counted again, whatever is added meanwhile', async () => {
  const stores = quarantine()
  await stores.add(events(20))
  const [bundle = ''] = bundlesOf(await stores.list())
  const bundles = { ...bundleStore(stores), endUnpacking: async () => fail() }
  const store = quarantineStore('t', 'b', stores.dynamodb, stores.s3)
  await expect(unpackBundle(bundle, { bundles, quarantine: store })).rejects.toThrow()
  for (let n = 0; n < 100; n++) await stores.add([event(0)])
  await stores.unpack([bundle])
  const counts = await stores.counts()
  expect([counts.get('e0'), counts.get('e1')]).toEqual([101, 1])
})

test('no order of additions, and of unpackings that break off counts an event twice or loses it', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = seeded(seed)
    const below = (n: number) => Math.floor(random() * n)
    const stores = quarantineStores()
    const calls = { left: Number.POSITIVE_INFINITY }
    const failing = <Client extends { send: unknown }>(client: Client): Client => {
      const { send } = client as { send: (command: unknown) => Promise<unknown> }
      return Object.assign(Object.create(client), {
        send: async (command: unknown) => {
          if (calls.left-- <= 0) throw new Error('broken off')
          const result = await send(command)
          if (calls.left === 0) throw new Error('response lost')
          return result
        },
      })
    }
    const broken = { ...stores, dynamodb: failing(stores.dynamodb), s3: failing(stores.s3) }
    const { add, list, unpack, counts } = quarantine({ stores: broken })
    const expected = new Map<string | null, number>()
    for (let step = 0; step < 12; step++) {
      const from = below(3) * 6
      const some = below(2) ? events(12, {}, from) : events(3, {}, from)
      if (below(2)) {
        await add(some)
        for (const { id } of some) expected.set(id, (expected.get(id) ?? 0) + 1)
      } else {
        const bundles = bundlesOf(await list())
        calls.left = 1 + below(20)
        await unpack(bundles).catch(() => undefined)
        calls.left = Number.POSITIVE_INFINITY
      }
    }
    await unpack(bundlesOf(await list()))
    expect([seed, Object.fromEntries(await counts())]).toEqual([seed, Object.fromEntries(expected)])
  }
})
