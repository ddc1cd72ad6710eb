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

const fail = (): never => {
  throw new Error('The bundle is not in quarantine.')
}

/** What happens around a call of a client: `send` makes it. */
type Around = (send: () => Promise<unknown>) => Promise<unknown>

const event = (id: string): QuarantinedEvent => aQuarantinedEvent({ id, body: `{"id":"${id}"}` })
const batch = (name: string): QuarantinedEvent[] => Array.from({ length: 11 }, (_, n) => event(`${name}${n}`))

function quarantine() {
  const stores = quarantineStores()
  const store = quarantineStore('t', 'b', stores.dynamodb, stores.s3)
  const list = () => scanQuarantine(stores)
  return {
    ...stores,
    list,
    reader: quarantineReader('t', 'b', stores.dynamodb, stores.s3),
    add: (events: readonly QuarantinedEvent[]) => requestQuarantine(store).add(events),
    bundles: async () => bundlesOf(await list()),
    counts: async () => new Map((await list()).map(({ id, count }) => [id, count])),
    /** An unpacking with clients of its own. */
    unpack: async (keys: readonly string[], around: Around = send => send()) => {
      const dynamodb = clientAround(stores.dynamodb, around)
      const s3 = clientAround(stores.s3, around)
      const bundles = bundleStore({ ...stores, dynamodb, s3 })
      for (const key of keys) await unpackBundle(key, { bundles, quarantine: quarantineStore('t', 'b', dynamodb, s3) })
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
  await unpack(await bundles(), async send => {
    await send()
    return send()
  })
  expect([await bundles(), objects.size]).toEqual([[], 0])
})
