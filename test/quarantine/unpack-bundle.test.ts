import { createHash } from 'node:crypto'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import { bundlesOf } from '../../cli/quarantine/bundles.ts'
import { scanQuarantine } from '../../cli/quarantine/scan.ts'
import { quarantineStore, requestQuarantine } from '../../lambdas/quarantine/dynamodb.ts'
import { bundleStore } from '../../lambdas/quarantine/dynamodb-bundles.ts'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { unpackBundle } from '../../lambdas/quarantine/unpack-bundle.ts'
import { type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'
import { seeded } from '../fixtures/quota-load.ts'

const fail = (): never => {
  throw new Error('The bundle is not in quarantine.')
}

/** What happens around a call of a client: `send` makes it. */
type Around = (send: () => Promise<unknown>) => Promise<unknown>

const DAY_MS = 86_400_000
const event = (id: string): QuarantinedEvent => aQuarantinedEvent({ id, body: `{"id":"${id}"}` })
const batch = (name: string): QuarantinedEvent[] => Array.from({ length: 11 }, (_, n) => event(`${name}${n}`))

const heartbeat = event('heartbeat')

/** As the SDK sends a call again after a lost response. */
const twice: Around = async send => {
  await send()
  return send()
}

function quarantine() {
  const clock = { now: 10 * DAY_MS }
  const stores = { ...quarantineStores(), now: () => clock.now }
  const expiry = { days: 90, now: stores.now }
  const store = quarantineStore('t', 'b', stores.dynamodb, stores.s3, expiry)
  const list = () => scanQuarantine(stores)
  return {
    ...stores,
    clock,
    list,
    reader: quarantineReader('t', 'b', stores.dynamodb, stores.s3, stores.now),
    add: (events: readonly QuarantinedEvent[]) => requestQuarantine(store).add(events),
    bundles: async () => bundlesOf(await list()),
    counts: async () => new Map((await list()).map(({ id, count }) => [id, count])),
    /** An unpacking that breaks off when it has added everything. */
    breakOff: (key: string) => {
      const endUnpacking = async () => fail()
      return expect(unpackBundle(key, { bundles: { ...bundleStore(stores), endUnpacking }, quarantine: store })).rejects.toThrow()
    },
    /** An unpacking with clients of its own. */
    unpack: async (keys: readonly string[], around: Around = send => send()) => {
      const dynamodb = clientAround(stores.dynamodb, around)
      const s3 = clientAround(stores.s3, around)
      const bundles = bundleStore({ ...stores, dynamodb, s3 })
      const unpacked = quarantineStore('t', 'b', dynamodb, s3, expiry)
      for (const key of keys) await unpackBundle(key, { bundles, quarantine: unpacked })
    },
  }
}

function clientAround<Client extends DynamoDBClient | S3Client>(client: Client, around: Around): Client {
  const { send } = client as unknown as { send: (command: unknown) => Promise<unknown> }
  return Object.assign(Object.create(client), { send: (command: unknown) => around(() => send(command)) })
}

test('a batch that a client sends again all the time is unpacked as far as it was counted, and those after it are', async () => {
  const { add, bundles, unpack, counts, list, reader } = quarantine()
  await add(batch('hot'))
  const hot = await bundles()
  await add(batch('other'))
  const all = await bundles()
  await unpack([...hot, ...all.filter(key => !hot.includes(key))], async send => {
    const result = await send()
    await add(batch('hot'))
    return result
  })
  const left = await list()
  expect(bundlesOf(left)).toEqual(hot)
  const sent = left.find(({ id }) => id === 'hot0')?.count ?? 0
  // A replay removes what it has put. The occurrences in the bundle stay.
  const stored = await reader.read(quarantineKey(event('hot0')))
  expect(stored?.count).toBe(1)
  expect(stored && (await reader.remove(stored))).toBe(true)
  await unpack(hot)
  expect(await bundles()).toEqual([])
  const expected = new Map([...batch('hot'), ...batch('other')].map(({ id }) => [id, id?.startsWith('hot') ? sent : 1]))
  expect(await counts()).toEqual(expected.set('hot0', sent - 1))
})

test('several unpackings at once, between additions, count each event as often as it was added', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const random = seeded(seed)
    const slowly: Around = async send => {
      for (let steps = Math.floor(random() ** 4 * 60); steps > 0; steps--) await null
      return send()
    }
    const { add, bundles, unpack, counts } = quarantine()
    const names = ['a', 'b', 'c']
    for (const name of names) await add([heartbeat, ...batch(name)])
    const keys = await bundles()
    const adding = async () => {
      for (const name of names) await slowly(() => add([heartbeat, ...batch(name)]))
    }
    const unpacking = [keys, keys.toReversed(), keys].map(each => unpack(each, slowly))
    await Promise.all([adding(), ...unpacking])
    await unpack(await bundles())
    const expected = new Map(names.flatMap(name => batch(name).map(({ id }) => [id, 2])))
    expect([seed, await counts()]).toEqual([seed, expected.set('heartbeat', 6)])
  }
})

test('the item of an event that is in very many bundles has few marks, and counts each bundle once', async () => {
  const { add, bundles, unpack, items, counts } = quarantine()
  for (let n = 0; n < 40; n++) {
    await add([heartbeat, ...batch(`${n}-`)])
    await unpack(await bundles(), twice)
  }
  expect((await counts()).get('heartbeat')).toBe(40)
  const { body: _body, ...rest } = items.get(quarantineKey(heartbeat)) ?? fail()
  expect(JSON.stringify(rest).length).toBeLessThan(1_000)
})

test('an unpacking that broke off is repeated after many others and counted once', async () => {
  const { add, bundles, unpack, breakOff, counts } = quarantine()
  await add([heartbeat, ...batch('a')])
  const [first = ''] = await bundles()
  await breakOff(first)
  for (let n = 0; n < 20; n++) {
    await add([heartbeat, ...batch(`${n}-`)])
    await unpack((await bundles()).filter(key => key !== first))
  }
  await unpack([first])
  expect((await counts()).get('heartbeat')).toBe(21)
})

test.each([
  ['another bundle', 'b'],
  ['the same bundle, quarantined again,', 'a'],
])('an unpacking adds nothing after another function ended it, although one of %s replaced its mark', async (_, next) => {
  const { add, bundles, unpack, counts } = quarantine()
  await add([heartbeat, ...batch('a')])
  let calls = 0
  await unpack(await bundles(), async send => {
    // It has read the bundle and its events, and is about to add the first one.
    if (++calls === 4) {
      await unpack(await bundles())
      await add([heartbeat, ...batch(next)])
      await unpack(await bundles())
    }
    return send()
  })
  expect((await counts()).get('heartbeat')).toBe(2)
})

test('an item has few marks of unpackings that broke off, too', async () => {
  const { add, bundles, unpack, breakOff, items } = quarantine()
  for (let n = 0; n < 20; n++) {
    await add([heartbeat, ...batch(`${n}-`)])
    for (const key of await bundles()) if (!items.get(key)?.['unpacking']) await breakOff(key)
  }
  expect(items.get(quarantineKey(heartbeat))?.['added_unpackings']?.S?.split(' ')).toHaveLength(16)
  await unpack(await bundles())
  expect(await bundles()).toEqual([])
})

test('an unpacking that an earlier version broke off is counted once', async () => {
  const { add, bundles, unpack, counts, items } = quarantine()
  await add([heartbeat, ...batch('a')])
  const [key = ''] = await bundles()
  const bundle = items.get(key) ?? fail()
  await add([heartbeat])
  const item = items.get(quarantineKey(heartbeat)) ?? fail()
  const token = createHash('sha256').update(`${key}#${bundle['first']?.S}#1`).digest('hex').slice(0, 16)
  items.set(key, { ...bundle, unpacking: { N: '1' } })
  items.set(quarantineKey(heartbeat), { ...item, [`added_${key.slice(0, 16)}`]: { S: token } })
  await unpack([key])
  expect(await counts()).toEqual(new Map(batch('a').map(({ id }) => [id, 1])).set('heartbeat', 1))
})

test('an unpacking begins an expired item again, and is counted once', async () => {
  const { add, bundles, unpack, counts, clock } = quarantine()
  await add([heartbeat, ...batch('a')])
  await unpack(await bundles())
  clock.now += 80 * DAY_MS
  await add([heartbeat, ...batch('b')])
  clock.now += 20 * DAY_MS
  await unpack(await bundles(), twice)
  expect(await counts()).toEqual(new Map(batch('b').map(({ id }) => [id, 1])).set('heartbeat', 1))
})

test('an item that begins again after it has expired has no mark: an unpacking that broke off before adds to it again', async () => {
  const { add, bundles, breakOff, unpack, counts, clock } = quarantine()
  const events = [heartbeat, ...batch('a').slice(1)]
  await add(events)
  const keys = await bundles()
  await breakOff(keys[0] ?? fail())
  clock.now += 89 * DAY_MS
  await add(events)
  clock.now += 2 * DAY_MS
  await add([heartbeat])
  await unpack(keys)
  expect((await counts()).get('heartbeat')).toBe(3)
})

test('a replay does not put an event of an unpacking that broke off: repeated, it would add again what the replay removed', async () => {
  const { add, bundles, breakOff, unpack, reader, clock } = quarantine()
  await add([heartbeat])
  await add([heartbeat, ...batch('a')])
  const keys = await bundles()
  await breakOff(keys[0] ?? fail())
  const mark = async () => reader.markSent((await reader.read(quarantineKey(heartbeat))) ?? fail(), clock.now)
  expect(await mark()).toBe(false)
  await unpack(keys)
  expect(await mark()).toBe(true)
})

test('an unpacking that broke off ends when the object of its bundle is gone: the events that it added can be replayed', async () => {
  const { add, bundles, breakOff, unpack, reader, objects, clock } = quarantine()
  await add([heartbeat, ...batch('a')])
  const keys = await bundles()
  await breakOff(keys[0] ?? fail())
  objects.clear()
  await unpack(keys)
  expect(await reader.markSent((await reader.read(quarantineKey(heartbeat))) ?? fail(), clock.now)).toBe(true)
})

test('an unpacking begins only with what was not unpacked since it read the bundle', async () => {
  const { add, bundles, ...stores } = quarantine()
  const { read, beginUnpacking, endUnpacking } = bundleStore(stores)
  await add(batch('a'))
  const [key = ''] = await bundles()
  const early = (await read(key)) ?? fail()
  await add(batch('a'))
  const late = (await read(key)) ?? fail()
  expect(await beginUnpacking(early)).toBe(true)
  await endUnpacking(early, early.count)
  expect(await beginUnpacking(late)).toBe(false)
  expect(await beginUnpacking((await read(key)) ?? fail())).toBe(true)
})

test('the object of a bundle is removed, also if the SDK sends the deletion of its item again after a lost response', async () => {
  const { add, bundles, unpack, objects } = quarantine()
  await add(batch('a'))
  await unpack(await bundles(), twice)
  expect([await bundles(), objects.size]).toEqual([[], 0])
})
