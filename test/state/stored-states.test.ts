import { partAttributes, readPartItem, readUserItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { planWrites, type Write } from '../../lambdas/state/plan-writes.ts'
import type { UserRecord } from '../../lambdas/state/user-record.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { tryMerge } from '../../shared/grains/merge.ts'
import { perUser } from '../../shared/grains/user.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import type { UserItem } from '../../shared/state.ts'
import { aVisit } from '../fixtures/builders.ts'
import { aStoredUser, memory } from '../fixtures/memory.ts'

const START = 1_700_000_000_000
const records = ['e1', 'e2', 'e3'].map(
  (id, at): UserRecord => ({
    sequenceNumber: String(at + 1),
    received: START,
    arrived: START,
    events: [aVisit(`/${id}`, at, { id })],
    positions: [0],
    erasure: false,
  }),
)
const foldAll = (projections: Projection[], some = records, stored?: UserItem) =>
  planWrites(aStoredUser('1', stored), some, {
    projections,
    memory,
    latenessMs: undefined,
    retentionMs: 0,
  })
/** Each record in an invocation of its own, with the store between them. */
function foldOneByOne(projections: Projection[]) {
  let stored: UserItem | undefined
  const rejections = []
  for (const record of records) {
    const [write] = foldAll(projections, [record], stored)
    if (!write) continue
    rejections.push(...write.rejections)
    stored = readUserItem(userAttributes(write.item))
  }
  return { states: stored?.states, rejections }
}
const inOneBatch = (projections: Projection[]) => {
  const writes = foldAll(projections)
  return { states: writes.at(-1)?.item.states, rejections: writes.flatMap(({ rejections }) => rejections) }
}
const projection = <State>(initial: () => State, fold: (state: State, url: string) => State, name = 'p'): Projection =>
  perUser({
    ...recentUrls,
    name,
    on: [pageVisit],
    initial,
    fold: (state: State, { data }) => fold(state, data.Url),
    document: () => ({}),
  })

test('a fold goes on from a state that is null, in one batch and in three', () => {
  const steps = projection<string | null>(
    () => 'initial',
    state => (state === 'initial' ? null : `after ${state}`),
  )
  for (const { states, rejections } of [inOneBatch([steps]), foldOneByOne([steps])]) {
    expect(states).toEqual({ 'p-r1': 'after after null' })
    expect(rejections).toEqual([])
  }
})

class Counter {
  readonly n: number
  constructor(n: number) {
    this.n = n
  }
  next(): Counter {
    return new Counter(this.n + 1)
  }
}

test.each([
  [
    'a Set',
    projection(
      () => ({ ids: new Set<string>() }),
      ({ ids }, url) => ({ ids: new Set([...ids, url]) }),
    ),
    '.ids',
  ],
  [
    'a Date',
    projection(
      () => ({ at: new Date(0) }),
      ({ at }) => ({ at: new Date(at.getTime() + 1) }),
    ),
    '.at',
  ],
  [
    'undefined',
    projection(
      () => ({ n: undefined as number | undefined }),
      ({ n }) => ({ n: (n ?? 0) + 1 }),
    ),
    '.n',
  ],
  [
    'NaN',
    projection(
      () => ({ n: Number.NaN }),
      ({ n }) => ({ n: Number.isNaN(n) ? 1 : n + 1 }),
    ),
    '.n',
  ],
  [
    'a class',
    projection(
      () => new Counter(0),
      counter => counter.next(),
    ),
    '',
  ],
  [
    'Infinity',
    projection(
      () => ({ least: Number.POSITIVE_INFINITY }),
      state => state,
    ),
    '.least',
  ],
])('a state with %s is rejected in every cut of the records, with the projection and the path', (_, broken, path) => {
  const batch = inOneBatch([broken])
  expect(batch.rejections.map(({ code, event }) => [event.id, code])).toEqual(
    ['e1', 'e2', 'e3'].map(id => [id, 'projection_failed']),
  )
  expect(batch.rejections[0]?.reason).toContain(`p-r1: JSON would change the value at state${path}: it is `)
  expect(foldOneByOne([broken])).toEqual(batch)
})

test('a fold that changes the state in place leaves nothing of a rejected event', () => {
  const inPlace = projection(
    () => ({ n: 0 }),
    state => {
      state.n += 1
      return state
    },
    'a',
  )
  const fails = projection(
    () => ({ n: 0 }),
    ({ n }, url) => {
      if (url === '/e2') throw new Error('poison')
      return { n: n + 1 }
    },
    'b',
  )
  const both = inOneBatch([inPlace, fails])
  expect(both.states).toEqual({})
  expect(both.rejections.map(({ reason }) => reason?.slice(0, 20))).toEqual(Array(3).fill('a-r1 threw TypeError'))
  expect(foldOneByOne([inPlace, fails])).toEqual(both)
})

test('an initial state that is shared and changed in place takes no events into another user', () => {
  const empty: string[] = []
  const shared = projection(
    () => empty,
    (urls, url) => {
      urls.push(url)
      return urls
    },
  )
  expect(inOneBatch([shared]).rejections).toHaveLength(3)
  expect(empty).toEqual([])
})

test('a fold cannot change the event for the projections after it', () => {
  const changesEvent = perUser({
    ...recentUrls,
    name: 'changes-event',
    fold: (visits, { data }) => {
      ;(data as { Url: string }).Url = '/changed'
      return visits
    },
  })
  const { rejections } = inOneBatch([changesEvent, recentUrls])
  expect(rejections.map(({ event }) => (event.data as { Url: string }).Url)).toEqual(['/e1', '/e2', '/e3'])
})

const changesStored = {
  name: 'w',
  revision: 1,
  on: [pageVisit],
  window: 60,
  at: ({ data }: { data: { Timestamp: number } }) => data.Timestamp,
  initial: () => ({ n: 0 }),
  fold: ({ n }: { n: number }) => ({ n: n + 1 }),
  merge: (stored: { n: number }, delta: { n: number }) => Object.assign(stored, { n: stored.n + delta.n }),
  document: () => ({}),
  shape: recentUrls.shape,
}

test.each([
  ['of a user', perUserWindow({ ...changesStored, key: 'id' }) as Projection],
  ['over all users', perWindow({ ...changesStored, slots: 2 }) as Projection],
])('a merge that changes the stored window %s is rejected at the fold, before it can stop windows', (_, broken) => {
  expect(inOneBatch([broken]).rejections).toMatchObject(Array(3).fill({ code: 'projection_failed' }))
})

test('-0 is folded as 0, which the store returns', () => {
  const signs = projection(
    () => ({ n: 1, signs: '' }),
    ({ n, signs }) => ({ n: n * -0, signs: signs + String(1 / n) }),
  )
  expect(inOneBatch([signs])).toEqual(foldOneByOne([signs]))
})

describe('merges of windows', () => {
  /** The second merge returns what JSON would change; the merge with the initial state does not. */
  const merging = perUserWindow({
    name: 'w',
    revision: 1,
    on: [pageVisit],
    window: 60,
    at: ({ data }) => data.Timestamp,
    initial: () => ({ n: 0, ids: null as unknown }),
    fold: ({ n }) => ({ n: n + 1, ids: null }),
    merge: (stored, delta) => ({ n: stored.n + delta.n, ids: stored.n > 0 ? new Set([1]) : null }),
    key: 'id',
    document: () => ({}),
    shape: recentUrls.shape,
  }) as Projection

  test('deltas whose merge JSON would change are written one by one', () => {
    expect(foldAll([merging]).map(({ item }) => item.outbox.map(({ state }) => state))).toEqual(
      Array(3).fill([{ n: 1, ids: null }]),
    )
  })

  test('the windows function rejects a merge that JSON would change', () => {
    const result = tryMerge(
      () => ({ ids: new Set([1]) }),
      () => ({}),
    )
    expect(result).toEqual({ reason: expect.stringContaining('JSON would change the value at state.ids') })
  })

  test('stored states are frozen, so that no merge or document changes them in place', () => {
    const [write] = foldAll([recentUrls as Projection])
    const item = readUserItem(
      userAttributes({ ...(write as Write).item, outbox: [{ projection: 'w-r1', start: 0, order: 1, state: [{}] }] }),
    )
    const [delta] = item.outbox
    expect([item.states, item.states['recent-urls-r1'], delta?.state].map(Object.isFrozen)).toEqual([true, true, true])
    const part = readPartItem(
      partAttributes({ kind: 'window', projection: 'w-r1', start: 0, user: '1', version: 1, state: [{}] }),
    )
    expect(Object.isFrozen((part.state as object[])[0])).toBe(true)
  })
})
