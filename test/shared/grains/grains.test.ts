import { jest } from '@jest/globals'
import * as z from 'zod/mini'
import { type Identity, refText, type StreamFacts, type StreamRecord } from '../../../cli/status/facts.ts'
import { identityText } from '../../../shared/event.ts'
import { pageVisit } from '../../../shared/events/page-visit.ts'
import type { Grain, MergeTask, UserDelta } from '../../../shared/grain.ts'
import * as product from '../../../shared/grains/grains.ts'
import { perUser } from '../../../shared/grains/user.ts'
import { perUserWindow } from '../../../shared/grains/user-window.ts'
import { perWindow } from '../../../shared/grains/window.ts'
import { MINUTE_SECONDS } from '../../../shared/grains/window-time.ts'
import { type Projection, projectionKey } from '../../../shared/projection.ts'
import type { PartItem } from '../../../shared/state.ts'
import { aUserItem, aVisit } from '../../fixtures/builders.ts'
import { aStoredUser, memory } from '../../fixtures/memory.ts'
import { perSession, sessionGrain } from '../../fixtures/session-grain.ts'

// The one line that a new grain needs.
const grains: readonly Grain[] = [...product.grains, sessionGrain]
const partsOfKind = (kind: string) => grains.find(({ parts }) => parts?.kind === kind)?.parts
jest.unstable_mockModule('../../../shared/grains/grains.ts', () => ({ grains, partsOfKind }))
const { partAttributes, readItem } = await import('../../../lambdas/state/dynamodb-items.ts')
const { planWrites } = await import('../../../lambdas/state/plan-writes.ts')
const { planWindows } = await import('../../../lambdas/windows/plan-windows.ts')
const { planDocuments } = await import('../../../lambdas/search/plan-documents.ts')
const { describeUser } = await import('../../../lambdas/query/users.ts')
const { planSearch } = await import('../../../lambdas/query/projections.ts')
const { expectedDocuments, windowsAreComplete } = await import('../../../cli/status/settled.ts')

const common = {
  name: 'visits',
  revision: 1,
  on: [pageVisit],
  initial: () => ({ n: 0 }),
  fold: (state: { n: number }) => ({ n: state.n + 1 }),
} as const
const windowed = {
  ...common,
  window: MINUTE_SECONDS,
  at: ({ data }: { data: { Timestamp: number } }) => data.Timestamp,
  where: ({ data }: { data: { Url: string } }) => data.Url !== '/ignored',
  merge: (a: { n: number }, b: { n: number }) => ({ n: a.n + b.n }),
}
const windowDocument = {
  key: 'user',
  document: ({ n }: { n: number }, { user, start }: { user: string; start: number }) => ({
    user,
    window_start: String(start),
    n,
  }),
  shape: z.object({ user: z.string(), window_start: z.iso.datetime(), n: z.int() }),
}
const projectionsByGrain: Readonly<Record<string, Projection>> = {
  user: perUser({
    ...common,
    key: 'user',
    document: ({ n }, user) => ({ user, n }),
    shape: z.object({ user: z.string(), n: z.int() }),
  }),
  'user-window': perUserWindow({ ...windowed, ...windowDocument }),
  window: perWindow({
    ...windowed,
    slots: 3,
    document: ({ n }, { start }) => ({ window_start: String(start), n }),
    shape: z.object({ window_start: z.iso.datetime(), n: z.int() }),
  }),
  session: perSession({ ...windowed, ...windowDocument }),
}
const projectionOf = ({ name }: Grain): Projection => {
  const projection = projectionsByGrain[name]
  if (!projection) throw new Error(`Add a projection of the grain ${name} to this suite.`)
  return projection
}
const lifetime = { latenessMs: undefined, retentionMs: 0 }
const RECEIVED = 1_700_000_000_000

interface Visit {
  readonly user: string
  /** Epoch seconds. */
  readonly at: number
  readonly url?: string
}

const record = (user: string, at: number, sequenceNumber: number, url = '/a') => ({
  sequenceNumber: String(sequenceNumber),
  received: RECEIVED + sequenceNumber,
  arrived: RECEIVED + sequenceNumber,
  events: [aVisit(url, at, { subject: user, id: `${user}-${sequenceNumber}` })],
  positions: [0],
  erasure: false,
})

/** Runs the planners of all functions over these visits of two users. Returns the items and the documents. */
async function run(projection: Projection, visits: readonly Visit[]) {
  const rules = { projections: [projection], memory, ...lifetime }
  const users = Map.groupBy(visits, ({ user }) => user)
  const images = [...users].flatMap(([user, theirs]) =>
    planWrites(
      aStoredUser(user),
      theirs.map(({ at, url }, i) => record(user, at, i + 1, url)),
      rules,
    ).map(({ item }) => item),
  )
  const stored = new Map<string, PartItem>()
  for (const task of planWindows(images, [projection], lifetime)) {
    const name = JSON.stringify(task.key)
    const merged = projection.grain.parts?.merge(projection, stored.get(name), task)
    if (merged) stored.set(name, merged.item)
  }
  const parts = [...stored.values()].map(item => readItem(partAttributes(item)) as PartItem)
  const table = {
    partsBelow: async ({ pk, sk }: { pk: string; sk: string }) =>
      parts.filter(part => {
        const key = projection.grain.parts?.itemKey(part)
        return key?.pk === pk && key.sk.startsWith(sk)
      }),
  }
  const items = [...images.map(image => ({ kind: 'user' as const, ...image })), ...parts]
  const changes = items.map(after => ({ before: undefined, after }))
  const { operations } = await planDocuments(changes, { table, projections: [projection] })
  return { images, parts, operations }
}

/** What `status` reads of a stream that holds these visits. */
function streamOf(projection: Projection, some: readonly Visit[]): StreamFacts {
  const recordsOf = new Map<string, StreamRecord[]>()
  for (const { user, at, url } of some) {
    const records = recordsOf.get(user) ?? []
    const { sequenceNumber, received, events } = record(user, at, records.length + 1, url)
    const windows = new Map<string, Identity[]>()
    for (const event of events) {
      const target = projection.grain.target(projection, event)
      if (target === undefined || target === 'user state') continue
      windows.set(refText({ user, projection: projectionKey(projection), start: target.start }), [identityText(event)])
    }
    const projections = [projectionKey(projection)]
    recordsOf.set(user, [...records, { shard: 's0', sequenceNumber, projections, received, windows }])
  }
  return { deliveries: new Map(), recordsOf }
}

const visits: Visit[] = [
  { user: 'anna', at: 0 },
  { user: 'anna', at: 59 },
  { user: 'anna', at: 60 },
  { user: 'bob', at: 1 },
  { user: 'bob', at: 2, url: '/ignored' },
]

describe.each(grains.map(grain => [grain.name, grain] as const))('the grain %s', (_name, grain) => {
  const projection = projectionOf(grain)

  test('its name is in the list once', () => {
    expect(grains.filter(({ name }) => name === grain.name)).toHaveLength(1)
    expect(projection.grain).toBe(grain)
  })

  test('every event that is not filtered counts once in one document', async () => {
    const { operations } = await run(projection, visits)
    const counts = operations.map(operation => (operation.action === 'index' ? Number(operation.document['n']) : 0))
    const filtered = grain.parts ? 1 : 0
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(visits.length - filtered)
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length)
  })

  test('documents have the fields that filters and sorting use', async () => {
    const { operations } = await run(projection, visits)
    const keyField = grain.keyField(projection)
    for (const operation of operations) {
      const document = operation.action === 'index' ? operation.document : {}
      if (keyField !== undefined) expect(document).toHaveProperty(keyField)
      if (grain.hasWindow) expect(document).toHaveProperty('window_start')
    }
    const search = planSearch(projection, {}, 0)
    if ('code' in search) throw new Error(search.message)
    expect(search.body.sort).toHaveLength(Number(grain.hasWindow) + Number(keyField !== undefined))
    expect('code' in planSearch(projection, { key: 'anna' }, 0)).toBe(keyField === undefined)
    expect('code' in planSearch(projection, { from: '2026-01-01T00:00:00Z' }, 0)).toBe(!grain.hasWindow)
  })

  test('an event that the projection throws on throws in the rehearsal', () => {
    const fail = () => {
      throw new Error('thrown')
    }
    const broken = { ...projection, document: fail, merge: fail }
    expect(() => grain.rehearse(broken, broken.initial(), 'anna')).toThrow('thrown')
    expect(() => grain.rehearse(projection, projection.initial(), 'anna')).not.toThrow()
  })

  test('a document that is no JSON is an error where it is made', async () => {
    const { images, parts } = await run(projection, visits)
    const broken = { ...projection, document: () => ({ n: 1n }) }
    expect(() => grain.document(broken, grain.parts ? parts.slice(0, 1) : images.slice(0, 1))).toThrow(TypeError)
    if (!grain.parts) expect(() => grain.rehearse(broken, broken.initial(), 'anna')).toThrow(TypeError)
  })

  test('status expects the documents that are written, in their versions', async () => {
    const { images, parts, operations } = await run(projection, visits)
    const state = { users: new Map(images.map(image => [image.user, image])), parts, passed: new Map(), firstFolded: new Map() }
    const expected = expectedDocuments(state, [projection], new Set())
    const written = operations.map(operation => [operation.id, 'version' in operation ? operation.version : 0])
    expect(expected.map(({ id, version }) => [id, version]).sort()).toEqual(written.sort())
    const isComplete = (some: Visit[]) => windowsAreComplete(streamOf(projection, some), state, new Set())
    expect(isComplete(visits)).toBe(true)
    expect(isComplete([...visits, { user: 'bob', at: 3 }])).toBe(grain.parts === undefined)
    expect(isComplete([...visits, { user: 'bob', at: 3, url: '/ignored' }])).toBe(true)
  })

  test("GET /v1/users has a user's states and items, without erased ones", async () => {
    const { images, parts } = await run(projection, visits)
    const anna = images.find(({ user }) => user === 'anna') ?? aUserItem('anna')
    const mine = new Map([[projection, parts.filter(({ user }) => user === 'anna')]])
    const { view } = describeUser(anna, [projection], mine)
    const shown = [...Object.values(view?.states ?? {}), ...Object.values(view?.windows ?? {}).flat()]
    expect(shown.length > 0).toBe(grain.parts === undefined || grain.parts.ofOneUser)
    const erased = describeUser({ ...anna, states: {}, erasedOrder: anna.version }, [projection], mine)
    expect(erased.view).toBeUndefined()
  })
})

describe.each(grains.flatMap(({ name, parts }) => (parts ? [[name, parts] as const] : [])))(
  'the items of the grain %s',
  (name, parts) => {
    const projection = projectionsByGrain[name] as Projection
    const address = parts.addressOf(projection, 'ann#a', -60)
    const delta = (order: number, user = 'ann#a', erasedOrder = 0): UserDelta => ({
      projection: projectionKey(projection),
      start: -60,
      order,
      state: { n: 1 },
      user,
      erasedOrder,
    })
    const task = (...deltas: UserDelta[]): MergeTask => ({ address, deltas, lifetime })
    const merge = (stored: PartItem | undefined, ...deltas: UserDelta[]) => parts.merge(projection, stored, task(...deltas))?.item

    test('a key is read back, and by no other grain', () => {
      const key = parts.itemKey(address)
      expect(parts.readKey(key)).toEqual(address)
      expect(grains.filter(other => other.parts?.readKey(key)).map(other => other.name)).toEqual([name])
    })

    test('an item is stored and read back without a change', () => {
      const item = merge(undefined, delta(1), delta(2))
      expect(item && readItem(partAttributes(item))).toEqual(item)
    })

    test('a delta that is merged already changes nothing, and a newer one is merged once', () => {
      const first = merge(undefined, delta(1))
      expect(merge(first, delta(1))).toBeUndefined()
      const second = merge(first, delta(1), delta(2))
      expect(second).toMatchObject({ state: { n: 2 } })
      expect(second?.version).toBeGreaterThan(first?.version ?? 0)
      expect(merge(second, delta(2))).toBeUndefined()
    })

    test('the order numbers of the merged deltas are known by user', () => {
      const item = merge(undefined, delta(1), delta(7))
      expect([...parts.mergedOrders(item)].map(([, order]) => order)).toEqual([7])
    })

    test('an erasure of the user restarts the items of one user, and keeps what users share', () => {
      const first = merge(undefined, delta(1), delta(2))
      const after = merge(first, delta(9, 'ann#a', 5))
      expect(after).toMatchObject({ state: { n: parts.ofOneUser ? 1 : 3 } })
    })

    test('a rejected delta is not merged and not retried', () => {
      const broken = {
        ...projection,
        merge: () => {
          throw new Error('thrown')
        },
      }
      const merged = parts.merge(broken, undefined, task(delta(1)))
      expect(merged?.rejections).toMatchObject([{ order: 1, user: 'ann#a' }])
      expect(parts.merge(broken, merged?.item, task(delta(1)))).toBeUndefined()
    })

    test('an item expires only with a lateness bound, and never before its earlier expiry', () => {
      expect(merge(undefined, delta(1))?.ttl).toBeUndefined()
      const bounded = { address, deltas: [delta(3_600_000_000)], lifetime: { latenessMs: 1000, retentionMs: 2000 } }
      const first = parts.merge(projection, undefined, bounded)?.item
      expect(first?.ttl).toBe(3600 + 1 + 2 + 86_400)
      const later = { ...bounded, deltas: [delta(3_600_000_001)], lifetime: { latenessMs: 0, retentionMs: 0 } }
      expect(parts.merge(projection, first, later)?.item.ttl).toBe(first?.ttl)
    })
  },
)
