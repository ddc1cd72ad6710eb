import { putRecords } from '../../lambdas/ingest/kinesis.ts'
import { aQuarantine, NOW } from '../fixtures/a-quarantine.ts'
import { aShard } from '../fixtures/a-shard.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

const visit = aQuarantinedEvent({ id: 'e1', body: '{"id":"e1","type":"page_visit","data":{"Id":1,"Url":"/a","Timestamp":2}}' })

/** Rejected without an id for a reason that a deployment has fixed since. */
const often = (bytes: number, count: number) =>
  aQuarantinedEvent({ count, body: JSON.stringify({ type: 'crash', data: { stack: 'x'.repeat(bytes) } }) })

test('an event that was quarantined very often is replayed in parts, at the rate of a shard; others do not wait for it', async () => {
  const { ids, put, replay, items, keys, itemIds } = await aQuarantine(often(12_000, 2_500), visit)
  const shard = aShard()
  const putSlowly: typeof put = async records => {
    await put(records)
    return putRecords('stream', records, shard)
  }
  const first = await replay({ put: putSlowly, now: shard.now })
  expect(first).toMatchObject([{ replayed: true, remaining: expect.any(Number) }, { replayed: true }])
  expect(first[1]).not.toHaveProperty('remaining')
  expect(await items()).toMatchObject([{ count: 2_500 }])
  for (let call = 1; call < 20 && (await items()).length > 0; call++)
    await replay({ put: putSlowly, now: shard.now }, false, { keys: keys.slice(0, 1) })
  expect(await items()).toEqual([])
  const copies = ids.filter(id => id !== 'e1')
  expect(copies).toHaveLength(2_500)
  expect(copies.slice(0, 2)).toEqual([itemIds[0], `${itemIds[0]}#2`])
  expect(new Set(copies).size).toBe(2_500)
})

test('an event that was quarantined 2,501 times is replayed in two calls', async () => {
  const { ids, replay, items } = await aQuarantine(often(1, 2_501))
  expect(await replay()).toMatchObject([{ replayed: true, remaining: 1 }])
  expect(await replay()).toEqual([{ key: expect.any(String), replayed: true }])
  expect([new Set(ids).size, ids.length, await items()]).toEqual([2_501, 2_501, []])
})

test('a part of an event that broke off is put again with the same ids', async () => {
  const { ids, put, replay, items } = await aQuarantine(often(1, 2_501))
  await replay()
  const before = ids.length
  const broken: typeof put = async records => {
    await put(records)
    throw new Error('broken off')
  }
  await expect(replay({ put: broken })).rejects.toThrow('broken off')
  expect(await items()).toMatchObject([{ count: 2_501, sentAt: NOW }])
  await replay()
  expect(ids.slice(before)).toEqual([ids[before], ids[before]])
  expect(await items()).toEqual([])
})

test('of two replays of a part at once, the slower one neither puts nor takes back what the other noted', async () => {
  const { ids, put, reader, replay, keys } = await aQuarantine(often(1, 7_500))
  const overtaken: typeof put = async records => {
    const result = await put(records)
    await replay()
    await replay()
    return result
  }
  await replay({ put: overtaken })
  expect(await reader.read(keys[0] ?? '')).toMatchObject({ replayed: 5_000 })
  expect(new Set(ids).size).toBe(5_000)
  const stale = await reader.read(keys[0] ?? '')
  await replay()
  expect(stale && (await reader.markSent(stale, NOW))).toBe(false)
})

test('what a call puts is bounded for all its events together', async () => {
  const { ids, replay } = await aQuarantine(...[1, 2, 3, 4].map(n => often(n, 2_000)))
  const outcomes = await replay()
  expect(ids).toHaveLength(2_502)
  expect(outcomes.map(outcome => outcome.replayed && (outcome.remaining ?? 0))).toEqual([0, 1_500, 1_999, 1_999])
})
