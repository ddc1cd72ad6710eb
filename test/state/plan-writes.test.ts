import fc from 'fast-check'
import { planWrites, type Write } from '../../lambdas/state/plan-writes.ts'
import type { FoldRules, UserRecord } from '../../lambdas/state/user-record.ts'
import type { Event } from '../../shared/event.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { perUser } from '../../shared/grains/user.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { erasureOrder } from '../../shared/order.ts'
import type { Projection } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { positionsText, type UserItem } from '../../shared/state.ts'
import { aReading, aVisit } from '../fixtures/builders.ts'
import { aStoredUser, memory } from '../fixtures/memory.ts'

const MINUTE = 60_000
const rules: FoldRules = {
  projections: [recentUrls, deviceMinutes],
  memory,
  latenessMs: undefined,
  retentionMs: 48 * 60 * MINUTE,
}
const START = 1_700_000_000_000
let seq = 0
const record = (events: Event[], received = START, facts: Partial<UserRecord> = {}): UserRecord => ({
  sequenceNumber: String(++seq + 10 ** 9),
  received,
  arrived: received,
  events,
  positions: [...events.keys()],
  erasure: false,
  ...facts,
})
const visit = (id: string, timestamp = 1) => aVisit(`/${id}`, timestamp, { id })
const fold = (records: UserRecord[], stored?: UserItem, other: Partial<FoldRules> = {}) =>
  planWrites(aStoredUser('1', stored), records, { ...rules, ...other })
const urls = (item: UserItem | undefined) =>
  (item?.states['recent-urls-r1'] as { url: string }[] | undefined)?.map(({ url }) => url)

test('records are folded into one put with the order number of the last one', () => {
  const [write, ...more] = fold([record([visit('a')]), record([visit('b'), visit('c')], START + 1)])
  expect(more).toEqual([])
  expect(write).toMatchObject({ readVersion: undefined, recordsDone: 2, folded: 3, repeated: 0 })
  expect(write?.item).toMatchObject({ version: (START + 1) * 1000, sequenceNumber: String(seq + 10 ** 9) })
  expect(urls(write?.item)).toEqual(['/c', '/b', '/a'])
})

test('records at or below the stored sequence number are skipped; sequence numbers compare as integers', () => {
  const [first] = fold([record([visit('a')], START, { sequenceNumber: '9' })])
  expect(fold([record([visit('a')], START, { sequenceNumber: '9' })], first?.item)).toEqual([])
  expect(fold([record([visit('b')], START, { sequenceNumber: '10' })], first?.item)).toHaveLength(1)
})

test('an event sent twice is folded once, and the item advances nevertheless', () => {
  const [first] = fold([record([visit('a'), visit('a')])])
  const [second] = fold([record([visit('a'), visit('b')], START + MINUTE)], first?.item)
  expect(first).toMatchObject({ folded: 1, repeated: 1 })
  expect(second).toMatchObject({ folded: 1, repeated: 1 })
  expect(urls(second?.item)).toEqual(['/b', '/a'])
  const [third] = fold([record([visit('a')], START + MINUTE)], second?.item)
  expect(third?.item.version).toBe((START + MINUTE) * 1000 + 1)
})

test('the same id of another source or type is another event', () => {
  const [write] = fold([record([visit('a'), { ...visit('a'), source: 'other' }])])
  expect(write).toMatchObject({ folded: 2 })
})

test('an identity is forgotten after the window, or at once when there are more than the count', () => {
  const [first] = fold([record([visit('a')])])
  expect(fold([record([visit('a')], START + 15 * MINUTE)], first?.item)).toMatchObject([{ repeated: 1 }])
  expect(fold([record([visit('a')], START + 15 * MINUTE + 1000)], first?.item)).toMatchObject([{ folded: 1 }])
  const few = { memory: { ...memory, count: 2 } }
  expect(fold([record([visit('a'), visit('b'), visit('c'), visit('a')])], undefined, few)).toMatchObject([{ folded: 4 }])
})

const fail = (): never => {
  throw new Error('poison')
}

const throwing = {
  fold: perUser({
    ...recentUrls,
    fold: (visits, event) => (event.data.Url === '/b' ? fail() : recentUrls.fold(visits, event)),
  }),
  document: perUser({
    ...recentUrls,
    document: (visits, user) => (visits[0]?.url === '/b' ? fail() : recentUrls.document(visits, user)),
  }),
}

test.each(['fold', 'document'] as const)(
  'only the event on which %s of a projection throws is quarantined, and it counts when it is sent again after a fix',
  part => {
    const records = [record([visit('a'), visit('b'), visit('c')])]
    const [write] = fold(records, undefined, { projections: [throwing[part]] })
    expect(write?.rejections).toMatchObject([{ code: 'projection_failed', event: { id: 'b' } }])
    expect(urls(write?.item)).toEqual(['/c', '/a'])
    const again = [record(records[0]?.events as Event[])]
    expect(fold(again, write?.item)).toMatchObject([{ folded: 1, repeated: 2, rejections: [] }])
  },
)

const hoards = {
  array: perUser({
    ...recentUrls,
    on: [pageVisit],
    initial: (): string[] => [],
    fold: (urls, { data }) => [...urls, data.Url],
    document: () => ({}),
  }),
  string: perUser({
    ...recentUrls,
    on: [pageVisit],
    initial: () => '',
    fold: (urls, { data }) => urls + data.Url,
    document: () => ({}),
  }),
}

test.each(['array', 'string'] as const)(
  'an event that would make a state too large (%s) is quarantined; smaller ones are folded',
  state => {
    const big = (id: string, bytes: number) => aVisit('x'.repeat(bytes), 1, { id })
    const records = [record([big('a', 200_000), big('b', 60_000), big('c', 10)])]
    const [write] = fold(records, undefined, { projections: [hoards[state]] })
    expect(write?.rejections).toMatchObject([{ code: 'state_too_large', event: { id: 'b' } }])
    expect(write).toMatchObject({ folded: 2 })
  },
)

test('a write has one delta for each window, folded from the initial state', () => {
  const reading = (id: string, timestamp: number) => aReading({ timestamp, temperature: 1 }, { id, subject: '1' })
  const [first] = fold([record([reading('a', 0), reading('b', 59), reading('c', 60)]), record([reading('d', 1)])])
  expect(first?.item.outbox).toMatchObject([
    { start: 0, order: START * 1000 + 1, state: { events: 3 } },
    { start: 60, order: START * 1000, state: { events: 1 } },
  ])
  const [second] = fold([record([reading('e', 0)])], first?.item)
  expect(second?.item.outbox).toMatchObject([{ start: 0, state: { events: 1 } }])
})

test('a write ends between records before its outbox is larger than 100 KB', () => {
  const wide = perUserWindow({
    ...deviceMinutes,
    initial: () => ({ pad: '' }),
    fold: () => ({ pad: 'x'.repeat(40_000) }),
    merge: (_, b) => b,
    document: () => ({}),
  }) as Projection
  const reading = (minute: number) => record([aReading({ timestamp: minute * 60 }, { id: String(minute), subject: '1' })])
  const writes = fold([1, 2, 3, 4, 5].map(reading), undefined, { projections: [wide] })
  expect(writes.map(({ recordsDone, item }) => [recordsDone, item.outbox.length])).toEqual([
    [2, 2],
    [4, 2],
    [5, 1],
  ])
  expect(writes.map(({ readVersion }) => readVersion)).toEqual([undefined, writes[0]?.item.version, writes[1]?.item.version])
})

/** Its deltas of different units cannot be merged. */
const units = perUserWindow({
  ...deviceMinutes,
  initial: () => ({ unit: '', n: 0 }),
  fold: ({ n }, { data }) => ({ unit: data.status ?? '', n: n + 1 }),
  merge: (a, b) => (a.unit !== '' && a.unit !== b.unit ? fail() : { unit: b.unit, n: a.n + b.n }),
  document: () => ({}),
}) as Projection

test('a write ends before the record whose delta the projection cannot merge into its outbox', () => {
  const reading = (id: string, status: string) => record([aReading({ status }, { id, subject: '1' })])
  const records = ['C', 'C', 'F', 'C'].map((unit, at) => reading(String(at), unit))
  const writes = fold(records, undefined, { projections: [units] })
  expect(writes.map(({ recordsDone, item }) => [recordsDone, item.outbox.map(({ state }) => state)])).toEqual([
    [2, [{ unit: 'C', n: 2 }]],
    [3, [{ unit: 'F', n: 1 }]],
    [4, [{ unit: 'C', n: 1 }]],
  ])
  expect(writes.flatMap(({ rejections }) => rejections)).toEqual([])
})

test('an event later than the bound is folded into states, not into its window, and counted as late', () => {
  const late = aReading({ timestamp: START / 1000 - 3600 }, { received: START, subject: '1' })
  expect(fold([record([late])], undefined, { latenessMs: 30 * MINUTE })).toMatchObject([
    { folded: 1, late: 1, item: { outbox: [], late: 1 } },
  ])
})

test('an erasure removes the states and keeps the order number and the identities', () => {
  const reading = aReading({ timestamp: 0 }, { id: 'r', subject: '1' })
  const [before] = fold([record([visit('a')])])
  const [write] = fold([record([reading]), record([], START, { erasure: true }), record([visit('a'), visit('b')])], before?.item)
  expect(urls(write?.item)).toEqual(['/b'])
  const erasedOrder = erasureOrder(START * 1000 + 2)
  expect(write?.item).toMatchObject({ erasedOrder, version: erasedOrder + 1, outbox: [], ttl: undefined })
  const [alone] = fold([record([], START, { erasure: true })], before?.item)
  // Its order number is a bit more than a second after START.
  expect(alone?.item).toMatchObject({ states: {}, ttl: START / 1000 + 48 * 3600 + 7 * 24 * 3600 + 2 })
})

describe('identities are remembered by the arrival in the stream', () => {
  const count = (item: UserItem | undefined) => (item?.states['visits-r1'] as { n: number } | undefined)?.n
  const visits = perUser({
    ...recentUrls,
    name: 'visits',
    initial: () => ({ n: 0 }),
    fold: ({ n }) => ({ n: n + 1 }),
    document: state => state,
  })
  const foldAll = (records: UserRecord[]) => fold(records, undefined, { projections: [visits] }).at(-1)?.item

  test('a replayed event is recognised again, whatever arrives in between', () => {
    const replayedAt = START + 60 * MINUTE
    const replay = (after: number) => record([visit('e1')], START, { arrived: replayedAt + after })
    const live = record([visit('e2')], replayedAt + 3000)
    expect(count(foldAll([replay(0), replay(2000), live, replay(4000)]))).toBe(2)
    expect(count(foldAll([replay(0), live, record([visit('e1')], replayedAt + 5000)]))).toBe(2)
  })

  test('a clock of ingest that is ahead empties no memory of identities', () => {
    const ahead = record([visit('e2')], START + 16 * MINUTE, { arrived: START + 1000 })
    expect(count(foldAll([record([visit('e1')]), ahead, record([visit('e1')], START + 2000)]))).toBe(2)
  })
})

test('a write ends before its list of rejected events could make the item too large', () => {
  const broken = perUser({ ...recentUrls, fold: () => fail() })
  const records = Array.from({ length: 400 }, (_, i) => record([visit(`r${i}`)], START + i))
  const writes = fold(records, undefined, { projections: [broken] })
  expect(writes.flatMap(({ item }) => item.passedOver)).toHaveLength(400)
  for (const { item } of writes) expect(Buffer.byteLength(positionsText(item.passedOver))).toBeLessThanOrEqual(4_000)
  expect(writes.at(-1)?.recordsDone).toBe(400)
})

test('an item of a user whose events were all rejected expires after the stream and the memory, until an event is folded', () => {
  const broken = perUser({
    ...recentUrls,
    fold: (visits, event) => (event.data.Url === '/broken' ? fail() : recentUrls.fold(visits, event)),
  })
  const rejected = (id: string, at: number) => ({ ...record([{ ...visit(id), data: { ...aVisit('/broken', 1).data } }], at) })
  const rules = { projections: [broken], retentionMs: 24 * 60 * MINUTE }
  const [first] = fold([rejected('r1', START)], undefined, rules)
  const lifetime = (8 * 24 * 60 * MINUTE) / 1000
  expect(first?.item).toMatchObject({ states: {}, ttl: START / 1000 + lifetime })
  const [second] = fold([rejected('r2', START + MINUTE)], first?.item, rules)
  expect(second?.item.ttl).toBe((START + MINUTE) / 1000 + lifetime)
  const [third] = fold([record([visit('e1')], START + 2 * MINUTE)], second?.item, rules)
  expect(third?.item.ttl).toBeUndefined()
  expect(fold([rejected('r3', START + 3 * MINUTE)], third?.item, rules)[0]?.item.ttl).toBeUndefined()
})

describe('a record is folded at once, and event by event if that fails', () => {
  const reading = (id: string, minute: number, status: string) =>
    aReading({ timestamp: minute * 60, temperature: 1.5, status }, { id, subject: '1' })
  const broken = perUserWindow({
    ...deviceMinutes,
    fold: (state, event) => (event.data.status === 'broken' ? fail() : deviceMinutes.fold(state, event)),
  }) as Projection
  const projections = [broken]

  test('the result is that of records of one event each', () => {
    const events = fc.array(fc.tuple(fc.nat(9), fc.nat(2), fc.constantFrom('ok', 'ok', 'broken')), { maxLength: 12 })
    fc.assert(
      fc.property(events, some => {
        const list = some.map(([id, minute, status]) => reading(`r${id}`, minute, status))
        const [together] = fold([record(list)], undefined, { projections })
        const apart = fold(
          list.map(event => record([event])),
          undefined,
          { projections },
        )
        const outboxOf = (writes: readonly Write[]) =>
          writes.flatMap(({ item }) => item.outbox.map(({ start, state }) => ({ start, state })))
        const rejected = (writes: readonly Write[]) => writes.flatMap(({ rejections }) => rejections.map(({ event }) => event.id))
        const all = together ? [together] : []
        expect([outboxOf(all), rejected(all), together?.folded ?? 0]).toEqual([
          outboxOf(apart),
          rejected(apart),
          apart.reduce((sum, { folded }) => sum + folded, 0),
        ])
      }),
    )
  })

  test('a fold cannot change a delta in place between two events', () => {
    const inPlace = perUserWindow({
      ...deviceMinutes,
      fold: (state, event) => (state.events === 0 ? deviceMinutes.fold(state, event) : Object.assign(state, { events: 9 })),
    }) as Projection
    const [write] = fold([record([reading('a', 0, 'ok'), reading('b', 0, 'ok')])], undefined, { projections: [inPlace] })
    expect(write?.rejections).toMatchObject([{ event: { id: 'b' }, code: 'projection_failed' }])
    expect(write?.item.outbox).toMatchObject([{ state: { events: 1 } }])
  })

  test('a delta that JSON would change is rejected with the event that made it so', () => {
    const dated = perUserWindow({
      ...deviceMinutes,
      initial: () => ({ at: null as unknown }),
      fold: (_, event) => ({ at: event.data.status === 'broken' ? new Date(0) : 1 }),
      merge: (_, delta) => delta,
      document: () => ({}),
    }) as Projection
    const events = [reading('a', 0, 'ok'), reading('b', 0, 'broken')]
    expect(fold([record(events)], undefined, { projections: [dated] })).toMatchObject([
      { folded: 1, rejections: [{ event: { id: 'b' } }], item: { outbox: [{ state: { at: 1 } }] } },
    ])
  })
})
