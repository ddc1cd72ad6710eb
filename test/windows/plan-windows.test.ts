import fc from 'fast-check'
import * as z from 'zod/mini'
import type { PutResult } from '../../lambdas/state/dynamodb-access.ts'
import { partAttributes, readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { type MergeDependencies, mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { windowsToSweep } from '../../lambdas/windows/plan-sweep.ts'
import { asQuarantined, planWindows, type WindowTask } from '../../lambdas/windows/plan-windows.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import type { WindowLifetime } from '../../shared/grain.ts'
import { MAX_PASSED_OVER } from '../../shared/grains/merge.ts'
import { perUserWindow, type WindowItem } from '../../shared/grains/user-window.ts'
import { MAX_SLOT_USERS, perWindow, type SlotItem, withinSize } from '../../shared/grains/window.ts'
import { MAX_WINDOW_STATE_BYTES } from '../../shared/limits.ts'
import type { Projection } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { type PartItem, type UserItem, userHash, type WindowDelta } from '../../shared/state.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { newTable } from '../fixtures/new-table.ts'

const lifetime: WindowLifetime = { latenessMs: undefined, retentionMs: 0 }
const visitors = perWindow({
  name: 'visitors',
  revision: 1,
  on: [pageVisit],
  window: 60,
  at: ({ data }) => data.Timestamp,
  slots: 4,
  initial: () => ({ events: 0, users: 0 }),
  fold: state => ({ events: state.events + 1, users: 1 }),
  merge: (a, b, { firstOfUser }) => ({ events: a.events + b.events, users: a.users + (firstOfUser ? b.users : 0) }),
  document: state => state,
  shape: z.object({ events: z.int(), users: z.int() }),
})
const projections = [deviceMinutes, visitors]
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
const taskOf = (...images: UserItem[]) => planWindows(images, projections, lifetime)[0] as WindowTask
const apply = (stored: PartItem | undefined, task: WindowTask, change: Partial<WindowLifetime> = {}) =>
  task.projection.grain.parts?.merge(task.projection, stored, { ...task, lifetime: { ...lifetime, ...change } })

test('deltas of a batch are grouped by the item that they change; unknown projections are skipped', () => {
  const tasks = planWindows(
    [
      image('a', [minuteOf(1, 5), visitOf(1)]),
      image('a', [minuteOf(2, 6)]),
      image('b', [minuteOf(1, 5), { ...minuteOf(1, 5), projection: 'gone-r1' }]),
    ],
    projections,
    lifetime,
  )
  expect(tasks.map(task => [task.address.kind, task.deltas.map(({ user, order }) => `${user}${order}`)])).toEqual([
    ['window', ['a1', 'a2']],
    ['slot', ['a1']],
    ['window', ['b1']],
  ])
})

test('a delta that is delivered again changes nothing', () => {
  const task = taskOf(image('a', [minuteOf(7, 5)]))
  const window = apply(undefined, task)?.item
  expect(window).toMatchObject({ version: 7, state: one(5) })
  expect(apply(window, task)).toBeUndefined()
  expect(apply(window, taskOf(image('a', [minuteOf(7, 5)]), image('a', [minuteOf(8, 6)])))).toMatchObject({
    item: { version: 8, state: { events: 2, temperature: [11] } },
    rejections: [],
  })
})

test('an erasure removes older deltas from a window; newer deltas start from an empty state', () => {
  const window = apply(undefined, taskOf(image('a', [minuteOf(7, 5)])))?.item
  expect(planWindows([image('a', [minuteOf(7, 5)], 9)], projections, lifetime)).toEqual([])
  expect(apply(window, taskOf(image('a', [minuteOf(10, 6)], 9)))?.item).toMatchObject({
    version: 10,
    state: one(6),
  })
})

test('a user with many deltas counts once in a slot', () => {
  const first = apply(undefined, taskOf(image('a', [visitOf(1)])))?.item
  const again = apply(first, taskOf(image('a', [visitOf(1)]), image('a', [visitOf(2, 3)])))?.item
  expect(first).toMatchObject({ version: 1, state: { events: 1, users: 1 } })
  expect(again).toMatchObject({ version: 2, state: { events: 4, users: 1 } })
  expect(apply(again, taskOf(image('a', [visitOf(2, 3)])))).toBeUndefined()
})

test('what has exactly the order number of the erasure is covered by it: deltas, windows, and windows to sweep', () => {
  expect(planWindows([image('a', [minuteOf(5, 5)], 5)], projections, lifetime)).toEqual([])
  const before = apply(undefined, taskOf(image('a', [minuteOf(5, 1)])))?.item as WindowItem
  const after = apply(before, taskOf(image('a', [minuteOf(6, 3)], 5)))?.item
  expect(after?.state).toEqual(one(3))
  const user = aUserItem('a', { version: 5, erasedOrder: 5 })
  expect(windowsToSweep(user, [before, { ...before, version: 6 }])).toEqual([before])
})

test('a window without a lateness bound never expires; with one it expires after the last record that may change it', () => {
  const task = taskOf(image('a', [minuteOf(3_600_000_000, 5)]))
  expect(apply(undefined, task)?.item.ttl).toBeUndefined()
  expect(apply(undefined, task, { latenessMs: 1000, retentionMs: 2000 })?.item.ttl).toBe(3600 + 1 + 2 + 86_400)
  const older = taskOf(image('a', [minuteOf(1, 5)]))
  expect(apply(undefined, older, { latenessMs: 1000, retentionMs: 2000 })?.item.ttl).toBe(60 + 1 + 2 + 86_400)
})

test('a slot with too many users for its item and its pages forgets those with the oldest deltas', () => {
  const users = new Map(Array.from({ length: MAX_SLOT_USERS + 2 }, (_, i) => [i.toString(16).padStart(16, '0'), i]))
  const slot: SlotItem = { kind: 'slot', projection: 'visitors-r1', start: 0, slot: 0, version: 1, state: {}, users }
  const kept = withinSize(slot).users
  expect(kept.size).toBe(MAX_SLOT_USERS)
  expect(Math.min(...kept.values())).toBe(2)
})

test('a large state leaves a slot room for fewer users, so that both fit into an item', () => {
  const users = new Map(Array.from({ length: MAX_SLOT_USERS }, (_, i) => [i.toString(16).padStart(16, '0'), i]))
  const slot: SlotItem = {
    kind: 'slot',
    projection: 'visitors-r1',
    start: 0,
    slot: 0,
    version: 1,
    state: 'x'.repeat(MAX_WINDOW_STATE_BYTES),
    users,
  }
  const { state, users: packed } = partAttributes(withinSize(slot))
  expect(Buffer.byteLength(state?.S ?? '') + (packed?.B?.length ?? 0)).toBeLessThan(400_000)
})

/** A merge that throws on deltas of this number of events. */
const refusing =
  (events: number, merge: typeof visitors.merge): typeof visitors.merge =>
  (stored, delta, about) => {
    if (delta.events === events) throw new Error('refused')
    return merge(stored, delta, about)
  }

/** Keeps every URL and throws on the URL `throw`. */
const urls = perWindow({
  ...visitors,
  name: 'urls',
  slots: 1,
  on: [pageVisit],
  initial: (): string[] => [],
  fold: (state, { data }) => [...state, data.Url],
  merge: (a, b) => {
    if (b.includes('throw')) throw new Error('b')
    return [...a, ...b]
  },
  document: state => ({ state }),
  shape: z.object({ state: z.array(z.string()) }),
})
const urlOf = (order: number, url: string): WindowDelta => ({ projection: 'urls-r1', start: 0, order, state: [url] })

test.each([
  [
    'that would make the state too large',
    'b'.repeat(MAX_WINDOW_STATE_BYTES - 10),
    'The state of the window would be larger than 200,000 bytes.',
  ],
  ['on which the projection throws', 'throw', 'function of the projection threw'],
])('a delta %s is quarantined once, with its reason, and other deltas are merged', (_, url, why) => {
  const images = [image('a', [urlOf(1, 'a'.repeat(20))]), image('b', [urlOf(2_000_000, url)]), image('c', [urlOf(3, 'c')])]
  const task = planWindows(images, [urls], lifetime)[0] as WindowTask
  const merged = apply(undefined, task)
  expect(merged?.item).toMatchObject({ version: 1, state: ['a'.repeat(20), 'c'] })
  expect(merged?.rejections.map(asQuarantined)).toEqual([
    {
      code: 'not_merged',
      message: expect.stringContaining(why),
      type: null,
      id: null,
      keyName: '',
      received: 2_000,
      form: 'text',
      body: JSON.stringify({ projection: 'urls-r1', start: 0, user: 'b', ord: 2_000_000, state: [url] }),
      occurrence: '["urls-r1",0,"b",2000000]',
    },
  ])
  expect(apply(merged?.item, task)).toBeUndefined()
})

test('a user whose first delta is rejected is still the first with the next one; the item notes what it rejected (B6)', () => {
  const throwing = { ...visitors, merge: refusing(7, visitors.merge) }
  const merge = (stored: PartItem | undefined, ...images: UserItem[]) => {
    const task = planWindows(images, [throwing], lifetime)[0] as WindowTask
    return apply(stored && (readItem(partAttributes(stored)) as PartItem), { ...task, address: { ...task.address, slot: 0 } })
      ?.item
  }
  const refused = merge(merge(undefined, image('bob', [visitOf(1)])), image('anna', [visitOf(1, 7)]))
  expect(refused).toMatchObject({ state: { events: 1, users: 1 }, passedOver: { orders: [[userHash('anna'), 1]] } })
  expect(merge(refused, image('anna', [visitOf(1, 7)]))).toBeUndefined()
  const counted = merge(refused, image('anna', [visitOf(2)]))
  expect(counted).toMatchObject({ state: { events: 2, users: 2 }, passedOver: { orders: [[userHash('anna'), 1]] } })
  expect(merge(counted, image('anna', [visitOf(3)]))).toMatchObject({ state: { events: 3, users: 2 } })
})

test.each([
  ['visitors-r1', visitOf],
  ['device-minutes-r1', minuteOf],
] as const)('an item of %s that rejects more than it can note needs a rebuild', (key, deltaOf) => {
  const broken = projections.map(projection => ({ ...projection, merge: () => JSON.parse('{') }))
  const images = Array.from({ length: MAX_PASSED_OVER + 1 }, (_, i) => image('a', [deltaOf(i + 1, 1)]))
  const [task] = planWindows(images, broken, lifetime)
  const noted = (count: number) => apply(undefined, { ...(task as WindowTask), deltas: task?.deltas.slice(0, count) ?? [] })?.item
  expect(noted(MAX_PASSED_OVER)).toMatchObject({ projection: key, passedOver: { needsRebuild: false } })
  const { passedOver } = noted(MAX_PASSED_OVER + 1) ?? {}
  expect(passedOver).toMatchObject({ needsRebuild: true })
  expect(passedOver?.orders.length).toBe(MAX_PASSED_OVER)
})

test.each([
  ['is too large', { merge: () => 'x'.repeat(MAX_WINDOW_STATE_BYTES) }],
  ['has no document', { document: () => JSON.parse('{') }],
])('a window of a user rejects a delta when its state %s', (_, broken) => {
  const projection = { ...deviceMinutes, ...broken }
  const task = planWindows([image('a', [minuteOf(7, 5)])], [projection], lifetime)[0] as WindowTask
  const merged = apply(undefined, task)
  expect(merged).toMatchObject({ item: { version: 7, state: projection.initial() }, rejections: [{ user: 'a', order: 7 }] })
})

/** Merges a delta that the projection rejects, against a table whose puts have these results. Returns the calls. */
async function mergeRejected(results: PutResult[], change: Partial<MergeDependencies> = {}) {
  const calls: unknown[] = []
  const putPart = async () => {
    calls.push('put')
    return results.shift() ?? 'written'
  }
  await mergeBatch([{ dynamodb: { NewImage: userAttributes(image('b', [urlOf(1, 'throw')])) } }], {
    table: { ...newTable, putPart },
    quarantine: { add: async events => void calls.push(events.map(({ code }) => code)) },
    projections: [urls],
    lifetime,
    deploymentWaitMs: 900_000,
    telemetry: { count: (...counted) => void calls.push(counted), annotate: () => undefined },
    now: () => 0,
    ...change,
  })
  return calls
}

test('a rejected delta is quarantined after the put that notes it, once despite conflicts', async () => {
  expect(await mergeRejected(['conflict', 'written'])).toEqual([
    'put',
    ['Conflicts', 1],
    'put',
    ['not_merged'],
    ['EventsQuarantined', 1, 'not_merged'],
    ['ContributionsMerged', 1],
  ])
})

test('a delta whose rejection loses its put, and that the window then takes, is not quarantined', async () => {
  let rejects = true
  const sometimes = { ...urls, merge: (a: string[], b: string[]) => (rejects ? JSON.parse('{') : [...a, ...b]) }
  const results: PutResult[] = ['conflict', 'written']
  const putPart = async () => {
    rejects = false
    return results.shift() ?? 'written'
  }
  const change = { dynamodb: { NewImage: userAttributes(image('b', [urlOf(1, 'b')])) } }
  const quarantined: unknown[] = []
  await mergeBatch([change], {
    table: { ...newTable, putPart },
    quarantine: { add: async events => void quarantined.push(...events) },
    projections: [sometimes],
    lifetime,
    deploymentWaitMs: 900_000,
    telemetry: { count: () => undefined, annotate: () => undefined },
    now: () => 0,
  })
  expect(quarantined).toEqual([])
})

test('an attempt after one that ended between its put and the quarantine adds what the item notes', async () => {
  const task = planWindows([image('b', [urlOf(1, 'throw')])], [urls], lifetime)[0] as WindowTask
  const noted = apply(undefined, task)?.item
  const calls = await mergeRejected([], { table: { ...newTable, readPart: async () => noted } })
  expect(calls).toEqual([['not_merged'], ['ContributionsMerged', 1]])
})

test.each([
  ['of a window', urls, urlOf(1, 'b')],
  ['of a user', deviceMinutes, minuteOf(7, 5)],
])('an `initial` %s that throws rejects the delta, and the batch goes on', (_, projection, delta) => {
  const broken = { ...projection, initial: () => JSON.parse('{') } as Projection
  const task = planWindows([image('b', [delta])], [broken], lifetime)[0] as WindowTask
  const merged = apply(undefined, task)
  expect(merged).toMatchObject({
    item: { state: undefined },
    rejections: [{ user: 'b', reason: expect.stringContaining('threw') }],
  })
  const stored = readItem(partAttributes(merged?.item as PartItem)) as PartItem
  expect(stored.state).toBeUndefined()
  expect(broken.grain.documentRef(broken, [stored])).toBeUndefined()
  const repaired = planWindows([image('b', [{ ...delta, order: 9 }])], [projection as Projection], lifetime)[0] as WindowTask
  expect(apply(stored, repaired)).toMatchObject({ item: { state: delta.state }, rejections: [] })
})

test('the key of a window item gives its user, projection and start, also before 1970', () => {
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

test('batches of images cut anywhere and delivered again give the same window and slot', () => {
  const series = [1, 2, 3, 4, 5].map(order => image('a', [minuteOf(order, order), visitOf(order, order)]))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 6 }), cuts => {
      let window: WindowItem | undefined
      let slot: SlotItem | undefined
      let reached = 0
      const deliver = (images: UserItem[]) => {
        const tasks = planWindows(images, projections, lifetime)
        window = apply(window, tasks[0] as WindowTask)?.item ?? window
        slot = apply(slot, tasks[1] as WindowTask)?.item ?? slot
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

test('a projection that changes its initial state in place leaks nothing into the windows of others', () => {
  const shared = { n: 0, names: [] as string[] }
  const leaking = perUserWindow({
    ...deviceMinutes,
    name: 'leaking',
    initial: () => shared,
    fold: state => state,
    merge: (stored, delta) => {
      stored.names.push(...delta.names)
      return stored
    },
    document: state => ({ names: state.names }),
    shape: z.object({ names: z.array(z.string()) }),
  })
  const delta = (name: string) => ({ projection: 'leaking-r1', start: 0, order: 1, state: { n: 1, names: [name] } })
  const merged = planWindows([image('anna', [delta('anna')]), image('bob', [delta('bob')])], [leaking], lifetime).map(task =>
    apply(undefined, task),
  )
  expect(merged.map(result => JSON.stringify(result?.item.state))).toEqual(['{"n":0,"names":[]}', '{"n":0,"names":[]}'])
  expect(merged.map(result => result?.rejections.length)).toEqual([1, 1])
})
