import { replayDelta } from '../../lambdas/ingest/replay-delta.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { isPartItem, readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import type { WindowLifetime } from '../../shared/grain.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import { parseUnmerged } from '../../shared/unmerged-delta.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { idLists } from '../fixtures/id-lists.ts'
import { SimQuarantine } from '../simulation/quarantine.ts'
import { type CallOperation, Table } from '../simulation/table.ts'

const START = 1_700_000_040
const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const EXPIRED = 'The window has expired; only a rebuild from the archive can contain the delta.'

const own = perUserWindow({ ...idLists, name: 'own', key: 'user', document: ids => ({ ids }) })
const all = perWindow({ ...idLists, name: 'all', slots: 1, document: ids => ({ ids }) })
const catalogue: readonly Projection[] = [own, all]

/** The order number of an event that arrived this number of minutes after the begin of the first window. */
const orderAt = (minutes: number): number => (START + minutes * 60) * 1_000_000

const change = (user: string, minutes: number, id: string, start = START) => {
  const [order, state] = [orderAt(minutes), [id]]
  const outbox = ['own-r1', 'all-r1'].map(projection => ({ projection, start, order, state }))
  return { dynamodb: { ApproximateCreationDateTime: 0, NewImage: userAttributes(aUserItem(user, { version: order, outbox })) } }
}

/** A table that deletes what has expired, the windows function, and the replay of what it quarantined. */
function aStage({ latenessMs }: Pick<WindowLifetime, 'latenessMs'> = { latenessMs: HOUR }) {
  const clock = { now: (START + 60) * 1000 }
  const memory = new Table(() => clock.now)
  const calls: string[] = []
  const noted: CallOperation = async (operation, _item, run) => {
    calls.push(operation)
    return run('done')
  }
  const table = stateTable('t', memory.operations(noted))
  const quarantine = new SimQuarantine()
  const counted: [string, number][] = []
  const shared = { lifetime: { latenessMs, retentionMs: 0 }, now: () => clock.now }
  const windows = (batch: Parameters<typeof mergeBatch>[0], projections = catalogue, failing: Partial<typeof table> = {}) =>
    mergeBatch(batch, {
      ...shared,
      table: { ...table, ...failing },
      quarantine: { add: async events => events.forEach(event => void quarantine.add(event)) },
      projections,
      deploymentWaitMs: 900_000,
      telemetry: { count: (name, count) => void counted.push([name, count]), annotate: () => undefined },
    })
  const replays = () =>
    Promise.all(
      quarantine
        .events()
        .map(({ body }) => replayDelta(parseUnmerged(body), { ...shared, table, projections: catalogue, dryRun: false })),
    )
  const pass = (ms: number) => {
    clock.now += ms
    for (const [key, { ttl }] of memory.items) if (Number(ttl?.N) * 1000 < clock.now) memory.remove(key, true)
  }
  const items = () => [...memory.items.values()].map(readItem).filter(isPartItem)
  const states = () => items().map(({ projection, start, state }) => [projection, start, state])
  const stored = () => [...memory.items.keys()].filter(key => key.startsWith('retired#'))
  return { ...{ memory, table, calls, quarantine, counted, windows, replays, pass, states, stored } }
}

test('a delta that was given up does not begin an expired window again; it stays in the quarantine, once', async () => {
  const { quarantine, windows, replays, pass, states, stored } = aStage()
  await windows([change('anna', 1, 'a')])
  await windows([change('anna', 2, 'b')], [])
  pass(30 * DAY)
  expect([states(), stored().length, quarantine.events().length]).toEqual([[], 2, 2])
  await windows([])
  expect([states(), stored()]).toEqual([[], []])
  expect(quarantine.events()).toMatchObject([
    { code: 'not_merged', count: 1 },
    { code: 'not_merged', count: 1 },
  ])
  const expired = { code: 'not_merged', message: EXPIRED }
  expect(await replays()).toMatchObject([expired, expired])
})

test('deltas of windows that have not expired are merged beside those of windows that have', async () => {
  const { quarantine, windows, pass, states } = aStage()
  const late = START + (30 * DAY) / 1000
  await windows([change('anna', 2, 'b'), change('anna', 3, 'c', late)], [])
  quarantine.items.clear()
  pass(30 * DAY)
  await windows([])
  expect(states()).toEqual([
    ['own-r1', late, ['c']],
    ['all-r1', late, ['c']],
  ])
  expect(quarantine.events().map(({ message, body }) => [message, parseUnmerged(body).state])).toEqual([
    [EXPIRED, ['b']],
    [EXPIRED, ['b']],
  ])
})

test('a delta whose attempt ended before it was deleted counts once, and every attempt reports it', async () => {
  const { quarantine, counted, windows, pass, stored } = aStage()
  await windows([change('anna', 2, 'b')], [own])
  counted.splice(0)
  pass(30 * DAY)
  const failing = { deleteRetired: async () => Promise.reject(new Error('throttled')) }
  await expect(windows([], catalogue, failing)).rejects.toThrow('throttled')
  await windows([])
  expect(quarantine.events().map(({ count }) => count)).toEqual([1])
  expect(stored()).toEqual([])
  expect(counted).toEqual([
    ['EventsQuarantined', 1],
    ['EventsQuarantined', 1],
    ['ContributionsMerged', 0],
  ])
})

test('a delta is not merged under a longer lateness than that by which its window may have expired', async () => {
  const { quarantine, table, windows, pass, states } = aStage({ latenessMs: 300 * DAY })
  await table.recordLateness(HOUR, START * 1000)
  await table.recordLateness(300 * DAY, START * 1000 + HOUR)
  await windows([change('anna', 2, 'b')], [])
  pass(30 * DAY)
  await windows([])
  expect([states(), quarantine.events().length]).toEqual([[], 2])
})

test('a delta of a window that never expires is merged', async () => {
  const { windows, pass, states } = aStage({ latenessMs: undefined })
  await windows([change('anna', 2, 'b')], [])
  pass(30 * DAY)
  await windows([])
  expect(states()).toEqual([
    ['own-r1', START, ['b']],
    ['all-r1', START, ['b']],
  ])
})

test('a delta of a user that was erased since is not quarantined for its own window', async () => {
  const { quarantine, table, windows, pass, states } = aStage()
  await windows([change('anna', 2, 'b')], [])
  quarantine.items.clear()
  await table.putUser(aUserItem('anna', { version: orderAt(5), erasedOrder: orderAt(5) }), undefined)
  pass(30 * DAY)
  await windows([])
  expect(states()).toEqual([])
  expect(quarantine.events().map(({ body }) => parseUnmerged(body).projection)).toEqual(['all-r1'])
})

test('a delta that an expired window has passed stays in the quarantine', async () => {
  const { windows, replays, pass, states } = aStage()
  await windows([change('anna', 2, 'b')], [])
  pass(30 * DAY)
  await windows([])
  // By a clock of ingest that was ahead, so that the window expires later.
  await windows([change('anna', 60 * 24 * 30, 'c')])
  expect(states().map(([, , ids]) => ids)).toEqual([['c'], ['c']])
  expect(await replays()).toMatchObject([{ message: EXPIRED }, { message: EXPIRED }])
})

test('a delta that is the last one in an expired window leaves the quarantine: an earlier replay merged it', async () => {
  const { windows, replays, pass, states } = aStage()
  const broken = catalogue.map(projection => ({
    ...projection,
    merge: () => {
      throw new Error('broken')
    },
  }))
  // It is late, so its window lives for an hour longer than one without late deltas.
  await windows([change('anna', 60, 'a')], broken as unknown as readonly Projection[])
  expect(await replays()).toEqual([undefined, undefined])
  pass(DAY + HOUR + MINUTE)
  // The response of the first replay was lost.
  expect(await replays()).toEqual([undefined, undefined])
  expect(states().map(([, , ids]) => ids)).toEqual([['a'], ['a']])
})

test('without stored deltas a batch reads one page for each projection and no lateness', async () => {
  const { calls, windows } = aStage()
  await windows([])
  expect(calls).toEqual(['Query', 'Query'])
})
