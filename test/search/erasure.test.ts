import * as z from 'zod/mini'
import { deleteErased } from '../../lambdas/search/erasure.ts'
import { indexBatch } from '../../lambdas/search/index-batch.ts'
import { writeAgain } from '../../lambdas/search/reindex.ts'
import type { EventType } from '../../shared/event-type.ts'
import { perUser } from '../../shared/grains/user.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem, UserItem } from '../../shared/state.ts'
import { DocumentIndex } from '../fakes/document-index.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { aChange } from '../fixtures/table-changes.ts'

interface Counted {
  readonly n: number
}

const common = {
  on: [{ name: 'counted' } as EventType<Counted>],
  initial: (): Counted => ({ n: 0 }),
  fold: (state: Counted) => state,
  shape: z.object({}),
}
const windowed = { ...common, window: 60, at: () => 0, merge: (a: Counted, b: Counted) => ({ n: a.n + b.n }) }

/** Code with this revision of its projections. Revision 2 has another name for the field of the user. */
const catalogue = (revision: 1 | 2): Projection[] => {
  const key = revision === 1 ? 'user' : 'account'
  return [
    perUser({ ...common, name: 'visits', revision, key, document: ({ n }, user) => ({ [key]: user, n }) }),
    perUserWindow({ ...windowed, name: 'minutes', revision, key, document: ({ n }, { user }) => ({ [key]: user, n }) }),
  ]
}
/** A window of all users that shows a user. */
const latest = perWindow({ ...windowed, name: 'latest', revision: 1, slots: 1, document: ({ n }) => ({ by: 'anna', n }) })

const FIRST = '1970-01-01T00:00:00Z'
const ERASED_AT = 2_000_000
const live = aUserItem('anna', { version: 1, states: { 'visits-r1': { n: 1 } } })
const erased = aUserItem('anna', { version: ERASED_AT, erasedOrder: ERASED_AT, states: {} })
const windowItem = (facts: Partial<PartItem> = {}): PartItem => ({
  ...{ kind: 'window', projection: 'minutes-r1', user: 'anna', start: 0, version: 1, state: { n: 5 } },
  ...facts,
})

function aStage() {
  const index = new DocumentIndex('visits-r1', 'visits-r2', 'minutes-r1', 'minutes-r2', 'latest-r1')
  const slot: PartItem = { kind: 'slot', projection: 'latest-r1', start: 0, slot: 0, version: 1, state: { n: 1 } }
  const dependencies = {
    client: index.client,
    table: { partsBelow: async () => [slot], readLateness: async () => () => undefined },
    quarantine: { add: async (refused: readonly QuarantinedEvent[]) => expect(refused).toEqual([]) },
    deploymentWaitMs: 900_000,
    now: () => 0,
    telemetry: { count: () => {}, annotate: () => {} },
  }
  const deliver = (projections: readonly Projection[], ...changes: Parameters<typeof aChange>[]) =>
    indexBatch(
      changes.map(change => aChange(...change)),
      { ...dependencies, projections },
    )
  /** Reindexes a page of the state table. */
  const reindex = (projections: readonly Projection[], user: UserItem, ...windows: readonly PartItem[]) => {
    const table = { ...dependencies.table, readUsers: async () => new Map([[user.user, user]]) }
    return writeAgain([...windows, { kind: 'user', ...user }], { ...dependencies, projections, table })
  }
  const shown = () => [...index.entries].filter(([, { document }]) => document).map(([key]) => key)
  return { deliver, reindex, shown }
}

test('an erasure deletes the documents of every revision that has an index, so that a roll-back does not show them', async () => {
  const { deliver, shown } = aStage()
  await deliver(catalogue(1), [undefined, live], [undefined, windowItem()], [undefined, windowItem({ user: 'bob' })])
  await deliver(catalogue(2), [live, erased])
  expect(shown()).toEqual([`minutes-r1|bob#${FIRST}`])
})

test('an erasure deletes the documents of a projection that the code does not know, and those of no other user', async () => {
  const { deliver, shown } = aStage()
  const slot: PartItem = {
    kind: 'slot',
    projection: 'latest-r1',
    start: 0,
    slot: 0,
    version: 1,
    state: { n: 1 },
    users: new Map(),
  }
  await deliver([...catalogue(1), latest], [undefined, live], [undefined, windowItem()], [undefined, slot])
  await deliver([], [live, erased])
  expect(shown()).toEqual([`latest-r1|${FIRST}`])
})

test('a batch with a window of before an erasure and the erasure leaves no document of the window', async () => {
  const { deliver, shown } = aStage()
  await deliver(catalogue(1), [undefined, windowItem()], [live, erased])
  expect(shown()).toEqual([])
  const later = windowItem({ start: 60, version: ERASED_AT + 1 })
  await deliver(catalogue(1), [undefined, later], [live, erased])
  expect(shown()).toEqual(['minutes-r1|anna#1970-01-01T00:01:00Z'])
})

test('the sweep deletes the document of a window that other code wrote after the erasure', async () => {
  const { deliver, shown } = aStage()
  await deliver(catalogue(1), [live, erased], [undefined, windowItem()])
  await deliver(catalogue(1), [undefined, windowItem()])
  expect(shown()).toEqual([])
  await deliver(catalogue(1), [undefined, windowItem({ start: 60 })])
  await deliver(catalogue(2), [windowItem({ start: 60 }), undefined])
  expect(shown()).toEqual([])
})

test('a reindex deletes the documents of a user whose erasure the documents missed, in every index', async () => {
  const { deliver, reindex, shown } = aStage()
  const both = [...catalogue(1), ...catalogue(2)]
  const second = windowItem({ projection: 'minutes-r2' })
  const of = (user: string) => aUserItem(user, { version: 1, states: { 'visits-r1': { n: 1 }, 'visits-r2': { n: 1 } } })
  await deliver(both, [undefined, of('anna')], [undefined, of('bob')], [undefined, windowItem()], [undefined, second])
  await deliver(both, [undefined, windowItem({ user: 'bob' })])
  expect(await reindex(catalogue(2), erased, windowItem())).toBe(0)
  expect(shown()).toEqual(['visits-r1|bob', 'visits-r2|bob', `minutes-r1|bob#${FIRST}`])
})

test('a reindex keeps the documents of what an erased user did after the erasure', async () => {
  const { deliver, reindex, shown } = aStage()
  const later = windowItem({ start: 60, version: ERASED_AT + 1 })
  const back = aUserItem('anna', { version: ERASED_AT + 1, erasedOrder: ERASED_AT, states: { 'visits-r1': { n: 1 } } })
  await deliver(catalogue(1), [undefined, live], [undefined, windowItem()], [undefined, later])
  expect(await reindex(catalogue(1), back, windowItem(), later)).toBe(2)
  expect(shown()).toEqual(['visits-r1|anna', 'minutes-r1|anna#1970-01-01T00:01:00Z'])
})

test('a page of a reindex with very many erased users ends within its step', async () => {
  const index = new DocumentIndex('minutes-r1')
  const { client } = index
  const counts = { refreshes: 0, searching: 0, mostSearches: 0 }
  const refresh: typeof client.indices.refresh = async request => {
    counts.refreshes += 1
    await client.indices.refresh(request)
  }
  const search: typeof client.search = async request => {
    counts.searching += 1
    counts.mostSearches = Math.max(counts.mostSearches, counts.searching)
    const result = await client.search(request)
    counts.searching -= 1
    return result
  }
  const users = Array.from({ length: 500 }, (_, n) => `user ${n}`)
  const operations = users.map(user => ({ index: { _index: 'minutes-r1', _id: `${user}#${FIRST}` } }))
  await client.bulk({ body: operations.flatMap((operation, n) => [operation, { user: users[n] }]) })
  const erasures = {
    users: users.map(user => aUserItem(user, { version: ERASED_AT, erasedOrder: ERASED_AT, states: {} })),
    windows: [],
  }
  await deleteErased({ ...client, search, indices: { ...client.indices, refresh } }, erasures)
  expect([...index.entries.values()].filter(({ document }) => document)).toEqual([])
  expect(counts.refreshes).toBe(1)
  expect(counts.mostSearches).toBeGreaterThan(4)
})
