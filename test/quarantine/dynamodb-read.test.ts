import { randomBytes } from 'node:crypto'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { discardItems } from '../../cli/quarantine/discard.ts'
import { scanQuarantine } from '../../cli/quarantine/scan.ts'
import { pageOf } from '../../cli/quarantine/select.ts'
import { quarantineStore } from '../../lambdas/quarantine/dynamodb.ts'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { type IdentifiedSummary, type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

/** Random, so that it does not compress enough to fit into an item. */
const large = aQuarantinedEvent({ form: 'text', type: null, body: randomBytes(400_000).toString('base64') })

async function quarantineWith(...events: QuarantinedEvent[]) {
  const stores = quarantineStores()
  const { dynamodb, s3, items, objects } = stores
  const store = quarantineStore('t', 'b', dynamodb, s3)
  for (const event of events) await store.add([event])
  const reader = quarantineReader('t', 'b', dynamodb, s3)
  const list = () => scanQuarantine(stores)
  const discard = async (selected: readonly IdentifiedSummary[]) =>
    discardItems(selected, selected, { reader, list, unpack: async () => fail() })
  return { store, dynamodb, items, objects, reader, list, discard }
}

test.each([
  ['in the table', aQuarantinedEvent({ id: 'e1', body: '{"a":"\u{1f600}"}' }), 0],
  ['of a user', aQuarantinedEvent({ subject: 'anna' }), 0],
  ['without a user', aQuarantinedEvent({ subject: null }), 0],
  ['with a large body in the bucket', large, 1],
])('an event %s is read back unchanged', async (_, event, objectCount) => {
  const { reader, objects } = await quarantineWith(event)
  expect(objects.size).toBe(objectCount)
  const about = { key: quarantineKey(event), count: 1, position: 0, first: expect.any(String) }
  expect(await reader.read(quarantineKey(event))).toEqual({ ...event, ...about })
})

test.each([
  ['text', (key: string) => key],
  ['escaped text', (key: string) => [...key].map(each => `\\u00${each.charCodeAt(0).toString(16)}`).join('')],
])('no API key is stored, written as %s, in a body of any form or size, or in a message', async (_, spell) => {
  const key = spell(`mr_write_${'k3y'.repeat(14)}`)
  const body = `{"url":"/?writeKey=${key}"}`
  const redacted = '{"url":"/?writeKey=mr_redacted"}'
  const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')
  for (const [event, stored] of [
    [aQuarantinedEvent({ body, message: `No ${key}.` }), redacted],
    [aQuarantinedEvent({ form: 'base64', body: base64(`\u00ff${body}`) }), base64(`\u00ff${redacted}`)],
    [{ ...large, body: large.body + body }, large.body + redacted],
  ] as const) {
    const { reader } = await quarantineWith(event)
    const read = await reader.read(quarantineKey({ ...event, body: stored }))
    expect([read?.body === stored, read?.message.includes('k3y')]).toEqual([true, false])
  }
})

test('a scan reads the whole identity of an accepted event; a list does not show the user', async () => {
  const { list } = await quarantineWith(aQuarantinedEvent({ subject: 'anna' }))
  const items = await list()
  expect(items).toMatchObject([{ subject: 'anna' }])
  expect(pageOf(items, 1, undefined).items[0]).not.toHaveProperty('subject')
})

test('a repeated event only raises the count; the first arrival is kept', async () => {
  const { reader } = await quarantineWith(aQuarantinedEvent(), aQuarantinedEvent({ received: 9, count: 2 }))
  expect(await reader.read(quarantineKey(aQuarantinedEvent()))).toMatchObject({ received: 5, count: 3 })
})

test.each([
  ['an event', aQuarantinedEvent()],
  ['an event with a large body', large],
])('%s that is added again by a retry after a lost response is counted once', async (_, event) => {
  const { dynamodb, s3 } = quarantineStores()
  const { send } = dynamodb as { send: (command: unknown) => Promise<unknown> }
  const retrying: DynamoDBClient = Object.assign(Object.create(dynamodb), {
    send: async (command: unknown) => {
      await send(command)
      return send(command)
    },
  })
  const store = quarantineStore('t', 'b', retrying, s3)
  const reader = quarantineReader('t', 'b', dynamodb, s3)
  for (const count of [1, 2, 3]) {
    await store.add([event])
    expect(await reader.read(quarantineKey(event))).toMatchObject({ count })
  }
})

test('an occurrence that a function adds again is counted once, also after others', async () => {
  const at = (occurrence: string) => aQuarantinedEvent({ occurrence })
  const { reader } = await quarantineWith(at('1#0'), at('2#0'), at('1#0'), at('2#0'), at('2#1'))
  expect(await reader.read(quarantineKey(aQuarantinedEvent()))).toMatchObject({ count: 3 })
})

test('equal events that were added together count once each when some of them are added again', async () => {
  const { store, reader } = await quarantineWith()
  const at = (occurrence: string) => aQuarantinedEvent({ occurrence })
  await store.add([at('1#0'), at('1#1'), at('1#1')])
  for (const again of [[at('1#1')], [at('1#0'), at('1#1')], [at('1#0')]]) await store.add(again)
  expect(await reader.read(quarantineKey(aQuarantinedEvent()))).toMatchObject({ count: 3 })
})

test('an event is removed with its body, unless it was quarantined again after it was read', async () => {
  const { store, reader, objects } = await quarantineWith(large)
  const before = (await reader.read(quarantineKey(large))) ?? fail()
  await store.add([large])
  expect(await reader.remove(before)).toBe(false)
  const now = (await reader.read(before.key)) ?? fail()
  expect(now).toMatchObject({ count: 2 })
  expect(await reader.remove(now)).toBe(true)
  expect(await reader.read(before.key)).toBeUndefined()
  expect(objects.size).toBe(0)
})

test('an event that was removed and quarantined again as often is another item than the one that was read', async () => {
  const { store, reader } = await quarantineWith(aQuarantinedEvent())
  const before = (await reader.read(quarantineKey(aQuarantinedEvent()))) ?? fail()
  expect(await reader.remove(before)).toBe(true)
  await store.add([aQuarantinedEvent()])
  const again = await reader.read(before.key)
  expect(again).toMatchObject({ count: before.count })
  expect(await reader.markSent(before, 1)).toBe(false)
  expect(await reader.remove(before)).toBe(false)
  await reader.noteReplayed(before, before.count)
  expect(await reader.read(before.key)).toEqual(again)
})

test('an event that an earlier version stored is removed as long as it is not quarantined again', async () => {
  const { store, reader, items } = await quarantineWith(aQuarantinedEvent())
  const key = quarantineKey(aQuarantinedEvent())
  const { first: _first, ...earlier } = items.get(key) ?? fail()
  items.set(key, earlier)
  const before = (await reader.read(key)) ?? fail()
  await store.add([aQuarantinedEvent()])
  expect(await reader.remove(before)).toBe(false)
  items.set(key, earlier)
  expect(await reader.markSent(before, 1)).toBe(true)
  expect(await reader.remove(before)).toBe(true)
})

test('a large event that is quarantined twice has one body, which is removed with it', async () => {
  const { reader, objects } = await quarantineWith(large, { ...large, received: 9 })
  expect(objects.size).toBe(1)
  const event = (await reader.read(quarantineKey(large))) ?? fail()
  expect(event).toMatchObject({ count: 2, received: large.received, body: large.body })
  await reader.remove(event)
  expect(objects.size).toBe(0)
})

test('amend replaces the reason, and does not recreate a removed event', async () => {
  const { reader } = await quarantineWith(aQuarantinedEvent())
  const key = quarantineKey(aQuarantinedEvent())
  await reader.amend(key, reject('date_missing'))
  expect(await reader.read(key)).toMatchObject(
    aQuarantinedEvent({ code: 'date_missing', message: reject('date_missing').message }),
  )
  await reader.amend('gone', reject('date_missing'))
  expect(await reader.read('gone')).toBeUndefined()
})

test('discarded events are gone with their bodies, and those quarantined again meanwhile are kept', async () => {
  const [one, again] = [aQuarantinedEvent({ body: '1' }), aQuarantinedEvent({ body: '2' })]
  const { store, list, discard, objects } = await quarantineWith(one, again, large)
  const items = await list()
  await store.add([again])
  expect(await discard(items)).toEqual({ discarded: 2, kept: 1 })
  expect((await list()).map(({ key }) => key)).toEqual([quarantineKey(again)])
  expect(objects.size).toBe(0)
})

test('a list has everything about an event except its body', async () => {
  const { list, reader } = await quarantineWith(aQuarantinedEvent(), large)
  for (const { parts, ...item } of await list()) {
    const { form: _form, body: _body, position: _position, first, ...facts } = (await reader.read(item.key)) ?? fail()
    expect(item).toEqual(facts)
    expect(parts).toEqual([{ item: { key: item.key, count: 1, first }, isBundle: false, count: 1 }])
  }
  expect(await list()).toHaveLength(2)
})

const fail = (): never => {
  throw new Error('The event is not in quarantine.')
}

test.each([
  ['an event', aQuarantinedEvent()],
  ['an event with a large body', large],
])('%s expires some days after its last occurrence; without a dial it never does', async (_, event) => {
  const { dynamodb, s3, items, objects } = quarantineStores()
  const clock = { now: 1_000 }
  const store = quarantineStore('t', 'b', dynamodb, s3, { days: 30, now: () => clock.now })
  const ttl = () => Number(items.get(quarantineKey(event))?.['ttl']?.N)
  await store.add([event])
  expect(ttl()).toBe(1 + 30 * 86_400)
  const keys = [...objects.keys()]
  objects.clear()
  clock.now = 5_000
  await store.add([event])
  expect(ttl()).toBe(5 + 30 * 86_400)
  expect([...objects.keys()]).toEqual(keys)
  const forever = await quarantineWith(event)
  expect(forever.items.get(quarantineKey(event))).not.toHaveProperty('ttl')
})
