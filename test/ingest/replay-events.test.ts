import { randomBytes } from 'node:crypto'
import { replayWarnings } from '../../cli/quarantine/warnings.ts'
import type { StreamRecord } from '../../lambdas/ingest/plan-records.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { type UnmergedDelta, unmergedText } from '../../shared/unmerged-delta.ts'
import { aQuarantine, NOW } from '../fixtures/a-quarantine.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

const MINUTE = 60_000

const withoutId = aQuarantinedEvent()
const withId = aQuarantinedEvent({ id: 'e1', body: '{"id":"e1","type":"page_visit","data":{"Id":1,"Url":"/a","Timestamp":2}}' })

test('three equal accepted events without an id are put three times, and leave the quarantine', async () => {
  const { ids, itemIds, replay, items } = await aQuarantine(withoutId, withoutId, withoutId)
  expect(await replay()).toMatchObject([{ replayed: true }])
  const [id] = itemIds
  expect(ids).toEqual([id, `${id}#2`, `${id}#3`])
  expect(await items()).toEqual([])
})

test('an event without an id that is rejected and replayed on two days, and equal, is two events', async () => {
  const { store, ids, replay, items } = await aQuarantine(withoutId)
  await replay()
  await store.add([{ ...withoutId, received: withoutId.received + 1440 * MINUTE }])
  await replay()
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(2)
  expect(await items()).toEqual([])
})

test('an event is marked before it is put: after a replay that broke off, the mark says when', async () => {
  const { replay, items, ids } = await aQuarantine(withId)
  const broken = async () => {
    expect(await items()).toMatchObject([{ sentAt: NOW }])
    throw new Error('broken off')
  }
  await expect(replay({ put: broken })).rejects.toThrow('broken off')
  expect(await items()).toMatchObject([{ sentAt: NOW }])
  await replay()
  expect(ids).toEqual(['e1'])
  expect(await items()).toEqual([])
})

test('of an event that was quarantined again during its replay, only the new occurrences are put later', async () => {
  const { store, ids, itemIds, put, replay, items } = await aQuarantine(withoutId, withoutId)
  await replay({
    put: async records => {
      await store.add([withoutId])
      return put(records)
    },
  })
  expect(await items()).toMatchObject([{ count: 3 }])
  expect((await items())[0]).not.toHaveProperty('sentAt')
  await replay()
  const [id] = itemIds
  expect(ids).toEqual([id, `${id}#2`, `${id}#3`])
  expect(await items()).toEqual([])
})

test('an event that is quarantined again between its reading and its mark is not put', async () => {
  const { store, reader, ids, replay, items } = await aQuarantine(withId)
  const read = async (key: string) => {
    const event = await reader.read(key)
    await store.add([withId])
    return event
  }
  expect(await replay({ quarantine: { ...reader, read } })).toMatchObject([{ replayed: false, code: 'unavailable' }])
  expect(ids).toEqual([])
  expect(await items()).toMatchObject([{ count: 2, code: 'invalid_event' }])
})

test('of two replays of an event at once, the second keeps what was rejected and quarantined again after the first', async () => {
  const { store, ids, put, replay, items } = await aQuarantine(withId)
  const overtaken = async (records: readonly StreamRecord[]) => {
    await replay()
    await store.add([withId])
    return put(records)
  }
  await replay({ put: overtaken })
  expect(ids).toEqual(['e1', 'e1'])
  expect(await items()).toMatchObject([{ id: 'e1', count: 1 }])
})

test('a dry run marks and puts nothing', async () => {
  const { ids, replay, items } = await aQuarantine(withId)
  const before = await items()
  expect(await replay({}, true)).toMatchObject([{ replayed: true }])
  expect(ids).toEqual([])
  expect(await items()).toEqual(before)
})

/** The body does not compress enough to fit into an item. */
const inBucket = (facts: Partial<QuarantinedEvent>) =>
  aQuarantinedEvent({ id: 'large', body: JSON.stringify({ data: randomBytes(400_000).toString('base64') }), ...facts })

test.each([
  ['an envelope', inBucket({})],
  ['a line', inBucket({ form: 'line' })],
  ['a document', inBucket({ code: 'document_refused' })],
  ['a delta', inBucket({ code: 'not_merged' })],
])('%s whose object is gone is refused, with what to do, and keeps its reason; the others are put', async (_, large) => {
  const { objects, ids, replay, items } = await aQuarantine(large, withId)
  objects.clear()
  const outcomes = await replay()
  expect(outcomes).toMatchObject([
    { replayed: false, code: 'unavailable', message: expect.stringContaining('discard') },
    { replayed: true },
  ])
  expect(ids).toEqual(['e1'])
  expect(await items()).toMatchObject([{ id: 'large', code: large.code, message: large.message }])
})

const delta: UnmergedDelta = { projection: 'own-r1', start: 0, user: 'anna', order: 7, state: [1] }
const unmerged = aQuarantinedEvent({ code: 'not_merged', form: 'text', body: unmergedText(delta) })

test('a delta that its window rejected is merged, and leaves the quarantine when its window contains it', async () => {
  const { ids, replay, items } = await aQuarantine(unmerged)
  const merged: (readonly [UnmergedDelta, boolean])[] = []
  const mergeDelta = async (...call: readonly [UnmergedDelta, boolean]) => void merged.push(call)
  await replay({ mergeDelta: async () => reject('not_merged', 'Still too large.') })
  expect(await items()).toMatchObject([{ message: 'Still too large.' }])
  await replay({ mergeDelta: async () => reject('unavailable') })
  expect(await items()).toMatchObject([{ message: 'Still too large.' }])
  await replay({ mergeDelta })
  expect(merged).toEqual([[delta, false]])
  expect(ids).toEqual([])
  expect(await items()).toEqual([])
})

describe('a warning', () => {
  const item = {
    key: 'k',
    message: '',
    type: null,
    id: null,
    keyName: '',
    received: NOW,
    count: 1,
    code: 'invalid_event',
  } as const
  const warnings = (facts: object) => replayWarnings([item, { ...item, ...facts }], 15, NOW + 16 * MINUTE - 1)

  test.each([
    ['events that the states may contain', { mayHaveBeenFolded: true }, 'the states may contain 1 of these 2 events'],
    ['an earlier replay that broke off', { sentAt: NOW }, 'an earlier replay of 1 of these 2 events broke off'],
  ])('is given for %s', (_, facts, text) => {
    expect(warnings({ received: NOW + 5 * MINUTE, ...facts })).toContainEqual(expect.stringContaining(text))
  })

  test('is given for events that are older than the memory of identities, and not for recent ones', () => {
    expect(warnings({ received: NOW + MINUTE })).toEqual([expect.stringContaining('1 of these 2 events arrived more than 15')])
    expect(replayWarnings([item, { ...item, sentAt: NOW }], 15, NOW + 15 * MINUTE)).toEqual([])
  })

  test('is not given for events whose replay changes no state', () => {
    expect(warnings({ received: NOW + MINUTE, code: 'not_merged' })).toHaveLength(1)
  })

  test('needs what a scan of the quarantine returns', async () => {
    const { items } = await aQuarantine({ ...withId, mayHaveBeenFolded: true })
    expect(await items()).toMatchObject([{ mayHaveBeenFolded: true }])
  })
})

test('an event whose record the stream never accepts stays in the quarantine with the reason; the others are put', async () => {
  const other = aQuarantinedEvent({ id: 'e2', body: '{"id":"e2","type":"page_visit","data":{"Id":2,"Url":"/a","Timestamp":2}}' })
  const { replay, items, ids, put } = await aQuarantine(withId, other)
  const isRefused = ({ partitionKey }: StreamRecord): boolean => partitionKey === '1'
  const refusing = async (records: readonly StreamRecord[]) => {
    await put(records.filter(record => !isRefused(record)))
    return { positions: [], refused: records.filter(isRefused).map(record => ({ record, reason: 'ValidationException' })) }
  }
  expect(await replay({ put: refusing })).toMatchObject([{ replayed: false, code: 'record_refused' }, { replayed: true }])
  expect(ids).toEqual(['e2'])
  expect(await items()).toMatchObject([
    { id: 'e1', code: 'record_refused', message: expect.stringContaining('ValidationException') },
  ])
})
