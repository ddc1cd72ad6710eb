import fc from 'fast-check'
import * as z from 'zod/mini'
import type { PutResult, StateTable } from '../../lambdas/state/dynamodb.ts'
import { readItem, slotAttributes, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import {
  applyToSlot,
  applyToWindow,
  asQuarantined,
  MAX_SLOT_USERS,
  MAX_WINDOW_STATE_BYTES,
  planWindows,
  type WindowTask,
  withinSize,
} from '../../lambdas/windows/plan-windows.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { perWindow, type UserWindowProjection, type WindowProjection } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import type { SlotItem, UserItem, WindowDelta, WindowItem } from '../../shared/state.ts'
import { aUserItem } from '../fixtures/builders.ts'

const life = { latenessMs: undefined, retentionMs: 0 }
const visitors = perWindow({
  name: 'visitors',
  revision: 1,
  on: pageVisit,
  window: 60,
  at: ({ data }) => data.Timestamp,
  slots: 4,
  initial: () => ({ events: 0, users: 0 }),
  fold: state => ({ events: state.events + 1, users: 1 }),
  merge: (a, b, { firstOfUser }) => ({ events: a.events + b.events, users: a.users + (firstOfUser ? b.users : 0) }),
  document: state => state,
  shape: z.object({ events: z.int(), users: z.int() }),
})
const projections = [deviceMinutes as UserWindowProjection, visitors as WindowProjection]
const one = (temperature: number) => ({ events: 1, temperature: [temperature], duration: [1] })

const image = (user: string, outbox: WindowDelta[], erasedOrder = 0): UserItem =>
  aUserItem(user, { version: Math.max(...outbox.map(({ order }) => order)), erasedOrder, outbox })
const minuteOf = (order: number, temperature: number): WindowDelta => ({
  projection: 'device-minutes-r1',
  start: 0,
  order,
  state: one(temperature),
})
const visitOf = (order: number, events = 1): WindowDelta => ({
  projection: 'visitors-r1',
  start: 0,
  order,
  state: { events, users: 1 },
})
const windowTask = (...images: UserItem[]) => planWindows(images, projections)[0] as WindowTask & { kind: 'window' }
const slotTask = (...images: UserItem[]) => planWindows(images, projections)[0] as WindowTask & { kind: 'slot' }

test('contributions of a batch are gathered by the item that they change; unknown projections are left out', () => {
  const tasks = planWindows(
    [
      image('a', [minuteOf(1, 5), visitOf(1)]),
      image('a', [minuteOf(2, 6)]),
      image('b', [minuteOf(1, 5), { ...minuteOf(1, 5), projection: 'gone-r1' }]),
    ],
    projections,
  )
  expect(tasks.map(task => [task.kind, task.deltas.map(({ user, order }) => `${user}${order}`)])).toEqual([
    ['window', ['a1', 'a2']],
    ['slot', ['a1']],
    ['window', ['b1']],
  ])
})

test('a contribution that comes again changes nothing', () => {
  const task = windowTask(image('a', [minuteOf(7, 5)]))
  const window = applyToWindow(undefined, task, life)?.item
  expect(window).toMatchObject({ version: 7, state: one(5) })
  expect(applyToWindow(window, task, life)).toBeUndefined()
  expect(applyToWindow(window, windowTask(image('a', [minuteOf(7, 5)]), image('a', [minuteOf(8, 6)])), life)).toMatchObject({
    item: { version: 8, state: { events: 2, temperature: [11] } },
    rejections: [],
  })
})

test('what is older than an erasure is forgotten, what is newer begins anew', () => {
  const window = applyToWindow(undefined, windowTask(image('a', [minuteOf(7, 5)])), life)?.item
  expect(planWindows([image('a', [minuteOf(7, 5)], 9)], projections)).toEqual([])
  expect(applyToWindow(window, windowTask(image('a', [minuteOf(10, 6)], 9)), life)?.item).toMatchObject({
    version: 10,
    state: one(6),
  })
})

test('a user counts once in a slot, however often it contributes', () => {
  const first = applyToSlot(undefined, slotTask(image('a', [visitOf(1)])), life)?.item
  const again = applyToSlot(first, slotTask(image('a', [visitOf(1)]), image('a', [visitOf(2, 3)])), life)?.item
  expect(first).toMatchObject({ version: 1, state: { events: 1, users: 1 } })
  expect(again).toMatchObject({ version: 2, state: { events: 4, users: 1 } })
  expect(applyToSlot(again, slotTask(image('a', [visitOf(2, 3)])), life)).toBeUndefined()
})

test('a window without a lateness bound never expires; with one it outlives every record that may touch it', () => {
  const task = windowTask(image('a', [minuteOf(3_600_000_000, 5)]))
  expect(applyToWindow(undefined, task, life)?.item.ttl).toBeUndefined()
  expect(applyToWindow(undefined, task, { latenessMs: 1000, retentionMs: 2000 })?.item.ttl).toBe(3600 + 1 + 2 + 86_400)
  const older = windowTask(image('a', [minuteOf(1, 5)]))
  expect(applyToWindow(undefined, older, { latenessMs: 1000, retentionMs: 2000 })?.item.ttl).toBe(60 + 1 + 2 + 86_400)
})

test('a slot with too many users forgets those longest not seen', () => {
  const users = new Map(Array.from({ length: MAX_SLOT_USERS + 2 }, (_, i) => [i.toString(16).padStart(16, '0'), i]))
  const slot: SlotItem = { projection: 'visitors-r1', start: 0, slot: 0, version: 1, state: {}, users }
  const kept = withinSize(slot).users
  expect(kept.size).toBe(MAX_SLOT_USERS)
  expect(Math.min(...kept.values())).toBe(2)
})

test('a large state leaves a slot fewer users: together they fit into an item', () => {
  const users = new Map(Array.from({ length: MAX_SLOT_USERS }, (_, i) => [i.toString(16).padStart(16, '0'), i]))
  const slot: SlotItem = {
    projection: 'visitors-r1',
    start: 0,
    slot: 0,
    version: 1,
    state: 'x'.repeat(MAX_WINDOW_STATE_BYTES),
    users,
  }
  const { state, users: packed } = slotAttributes(withinSize(slot))
  expect(Buffer.byteLength(state?.S ?? '') + (packed?.B?.length ?? 0)).toBeLessThan(400_000)
})

/** Keeps every url; throws on one. */
const urls = perWindow({
  ...visitors,
  name: 'urls',
  slots: 1,
  on: pageVisit,
  initial: (): string[] => [],
  fold: (state, { data }) => [...state, data.Url],
  merge: (a, b) => {
    if (b.includes('throw')) throw new Error('b')
    return [...a, ...b]
  },
  document: state => ({ state }),
  shape: z.object({ state: z.array(z.string()) }),
}) as WindowProjection
const urlOf = (order: number, url: string): WindowDelta => ({ projection: 'urls-r1', start: 0, order, state: [url] })

test.each([
  [
    'that does not fit beside what is there',
    'b'.repeat(MAX_WINDOW_STATE_BYTES - 10),
    'the state of the window would pass 200 KB',
  ],
  ['on which the projection throws', 'throw', 'The projection threw'],
])('what a user adds %s is put aside with its reason, once, and stops nothing', (_, url, why) => {
  const images = [image('a', [urlOf(1, 'a'.repeat(20))]), image('b', [urlOf(2_000_000, url)]), image('c', [urlOf(3, 'c')])]
  const [task] = planWindows(images, [urls]) as (WindowTask & { kind: 'slot' })[]
  const merged = task && applyToSlot(undefined, task, life)
  expect(merged?.item).toMatchObject({ version: 1, state: ['a'.repeat(20), 'c'] })
  expect(merged?.rejections.map(asQuarantined(task as WindowTask))).toEqual([
    {
      code: 'not_merged',
      message: expect.stringContaining(why),
      type: 'page_visit',
      id: null,
      keyName: '',
      received: 2_000,
      form: 'text',
      body: JSON.stringify({ projection: 'urls-r1', start: 0, user: 'b', ord: 2_000_000, state: [url] }),
    },
  ])
  expect(task && applyToSlot(merged?.item, task, life)).toBeUndefined()
})

test.each([
  ['is too large', { merge: () => 'x'.repeat(MAX_WINDOW_STATE_BYTES) }],
  ['cannot be shown', { document: () => JSON.parse('{') }],
])('a window of a user refuses likewise what %s', (_, broken) => {
  const projection = { ...deviceMinutes, ...broken } as unknown as UserWindowProjection
  const [task] = planWindows([image('a', [minuteOf(7, 5)])], [projection]) as (WindowTask & { kind: 'window' })[]
  const merged = task && applyToWindow(undefined, task, life)
  expect(merged).toMatchObject({ item: { version: 7, state: projection.initial() }, rejections: [{ user: 'a', order: 7 }] })
})

test('what a window refused is put aside before the item is written, and counted once however many races are lost', async () => {
  const calls: unknown[] = []
  const outcomes: PutResult[] = ['conflict', 'written']
  const table = {
    readSlot: async () => undefined,
    putSlot: async () => {
      calls.push('put')
      return outcomes.shift()
    },
  } as unknown as StateTable
  await mergeBatch([{ dynamodb: { NewImage: userAttributes(image('b', [urlOf(1, 'throw')])) as never } }], {
    table,
    quarantine: { add: async events => void calls.push(events.map(({ code }) => code)) },
    projections: [urls],
    lifetime: life,
    telemetry: { count: (...counted) => void calls.push(counted), annotate: () => undefined },
  })
  expect(calls).toEqual([
    ['not_merged'],
    'put',
    ['Conflicts', 1],
    ['not_merged'],
    'put',
    ['EventsQuarantined', 1, 'not_merged'],
    ['ContributionsMerged', 1],
  ])
})

test('items are read from a stream image as from the table', () => {
  const attributes = {
    pk: { S: 'user#ü#1' },
    sk: { S: 'window#device-minutes-r1#-0001' },
    version: { N: '7' },
    state: { S: '{"a":1}' },
  }
  expect(readItem({ ...attributes, sk: { S: 'window#device-minutes-r1#1969-12-31T23:59:00Z' } })).toEqual({
    kind: 'window',
    user: 'ü#1',
    projection: 'device-minutes-r1',
    start: -60,
    version: 7,
    state: { a: 1 },
  })
})

test('any cut and repetition of a series of images gives the same window and slot', () => {
  const series = [1, 2, 3, 4, 5].map(order => image('a', [minuteOf(order, order), visitOf(order, order)]))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 6 }), cuts => {
      let window: WindowItem | undefined
      let slot: SlotItem | undefined
      let reached = 0
      const deliver = (images: UserItem[]) => {
        const tasks = planWindows(images, projections)
        window = applyToWindow(window, tasks[0] as WindowTask & { kind: 'window' }, life)?.item ?? window
        slot = applyToSlot(slot, tasks[1] as WindowTask & { kind: 'slot' }, life)?.item ?? slot
      }
      for (const [a, b] of cuts) {
        const from = Math.min(a, reached)
        const to = Math.max(from + 1, Math.min(b + 1, 5))
        deliver(series.slice(from, to))
        reached = Math.max(reached, to)
      }
      if (reached < 5) deliver(series.slice(reached))
      expect(window).toMatchObject({ version: 5, state: { events: 5, temperature: [15] } })
      expect(slot).toMatchObject({ state: { events: 15, users: 1 } })
    }),
  )
})
