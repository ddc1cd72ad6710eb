import { withoutUnwritten } from '../../cli/reindex/written.ts'
import { documentsOf } from '../../lambdas/search/reindex.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { windowLifetime } from '../../lambdas/window-lifetime.ts'
import { mergeBatches } from '../../lambdas/windows/merge-batches.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import { documentId } from '../../shared/search-index.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { idLists } from '../fixtures/id-lists.ts'
import { Table } from '../simulation/table.ts'

const START = 1_700_000_040
const HOUR = 3_600_000
const DAY = 24 * HOUR
const projections: readonly Projection[] = [
  perUserWindow({ ...idLists, name: 'own', key: 'user', document: ids => ({ ids }) }),
  perWindow({ ...idLists, name: 'all', slots: 2, document: ids => ({ ids: ids.toSorted() }) }),
]
const USERS = ['anna', 'bob', 'carl', 'dora']

/** A table that deletes what has expired, the windows function of a stage, and a reindex. */
function aStage() {
  const clock = { now: START * 1000 }
  const memory = new Table(() => clock.now)
  const shared = { table: stateTable('t', memory.operations()), projections, now: () => clock.now }
  const telemetry = { count: () => undefined, annotate: () => undefined }
  const merge = mergeBatches({
    ...{ ...shared, lifetime: windowLifetime({ LATENESS_HOURS: '1' }), deploymentWaitMs: 900_000 },
    quarantine: { add: async () => undefined },
  })
  const changed = (user: string, hours: number) => {
    const order = START * 1_000_000 + hours * HOUR * 1000
    const outbox = ['own-r1', 'all-r1'].map(projection => ({ projection, start: START, order, state: [`${user}-${hours}`] }))
    return { dynamodb: { ApproximateCreationDateTime: 0, NewImage: userAttributes(aUserItem(user, { version: order, outbox })) } }
  }
  const write = (users: readonly string[], hours: number) =>
    merge(
      users.map(user => changed(user, hours)),
      telemetry,
    )
  const pass = (ms: number) => {
    clock.now += ms
    for (const [key, { ttl }] of memory.items) if (Number(ttl?.N) * 1000 < clock.now) memory.remove(key, true)
  }
  const table = { ...shared.table, readUsers: async (users: readonly string[]) => new Map(users.map(user => [user, undefined])) }
  const reindex = async (index: string) => {
    const items = [...memory.items].filter(([key]) => key.includes('window#')).map(([, item]) => readItem(item))
    return (await documentsOf(items, { ...shared, table })).operations.filter(operation => operation.index === index)
  }
  const kept = (refused: readonly { readonly type: string; readonly id: string }[]) =>
    withoutUnwritten(
      refused.map(event => ({ ...event, code: 'document_refused' as const })),
      shared,
    )
  return { write, pass, reindex, kept }
}

test('a reindex writes no document of a window over all users of which a slot has expired', async () => {
  const { write, pass, reindex } = aStage()
  await write(USERS, 0)
  expect(await reindex('all-r1')).toMatchObject([{ document: { ids: USERS.map(user => `${user}-0`) } }])
  // A late event: the slot of its user lives for an hour longer.
  await write(['anna'], 1)
  pass(9 * DAY + 1.5 * HOUR)
  expect(await reindex('own-r1')).toMatchObject([{ document: { ids: ['anna-0', 'anna-1'] } }])
  expect(await reindex('all-r1')).toEqual([])
})

test('a reindex removes a rejected document from the quarantine only if it wrote the window', async () => {
  const { write, pass, kept } = aStage()
  const own = ['anna', 'bob'].map(user => ({ type: 'own-r1', id: documentId(user, START) }))
  const all = { type: 'all-r1', id: documentId(null, START) }
  const hashed = { type: 'own-r1', id: documentId('u'.repeat(600), START) }
  const ofUser = { type: 'recent-urls-r2', id: 'anna' }
  await write(USERS, 0)
  await write(['anna'], 1)
  const idsOf = async () => (await kept([...own, all, hashed, ofUser])).map(({ id }) => id)
  expect(await idsOf()).toEqual([own[0]?.id, own[1]?.id, all.id, 'anna'])
  pass(9 * DAY + 1.5 * HOUR)
  expect(await idsOf()).toEqual([own[0]?.id, 'anna'])
  pass(HOUR)
  expect(await idsOf()).toEqual(['anna'])
})
