import * as z from 'zod/mini'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { isPartItem, readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import { retiredKey } from '../../shared/state.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { Table } from '../simulation/table.ts'

const common = {
  on: [pageVisit],
  window: 60,
  at: () => 0,
  initial: () => [] as number[],
  shape: z.object({ n: z.array(z.int()) }),
}
const merge = (a: number[], b: number[]) => [...a, ...b]
const own = (revision: number) =>
  perUserWindow({ ...common, name: 'own', revision, fold: n => n, merge, key: 'user', document: n => ({ n }) })
const all = (revision: number) =>
  perWindow({ ...common, name: 'all', revision, slots: 1, fold: n => n, merge, document: n => ({ n }) })
const catalogue = (revision: number) => [own(revision), all(revision)]

const change = (user: string, order: number, revision: number, erasedOrder = 0) => {
  const outbox = ['own', 'all'].map(name => ({ projection: `${name}-r${revision}`, start: 0, order, state: [order] }))
  return { dynamodb: { NewImage: userAttributes(aUserItem(user, { version: order, outbox, erasedOrder })) } }
}

/** A table, and the windows function with a catalogue of a revision. */
function aStage() {
  const memory = new Table()
  const table = stateTable('t', memory.operations())
  const windows = (revision: number, batch: Parameters<typeof mergeBatch>[0], failing: Partial<typeof table> = {}) =>
    mergeBatch(batch, {
      table: { ...table, ...failing },
      quarantine: { add: async events => expect(events).toEqual([]) },
      projections: catalogue(revision),
      lifetime: { latenessMs: undefined, retentionMs: 3_600_000 },
      deploymentWaitMs: 900_000,
      telemetry: { count: () => undefined, annotate: () => undefined },
      now: () => 1_000,
    })
  const states = () =>
    Object.fromEntries(
      [...memory.items.values()]
        .map(readItem)
        .filter(isPartItem)
        .map(item => [item.projection, item.state]),
    )
  const stored = () => [...memory.items.values()].filter(item => item['pk']?.S?.startsWith('retired#'))
  return { memory, windows, states, stored }
}

test('deltas that newer code stored apart are merged after a roll-back, before newer deltas', async () => {
  const { windows, states, stored } = aStage()
  await windows(1, [change('anna', 1, 1)])
  await windows(2, [change('anna', 2, 1)])
  await windows(2, [change('anna', 3, 1)])
  await windows(2, [change('anna', 4, 2)])
  expect(states()).toMatchObject({ 'own-r1': [1], 'all-r1': [1], 'own-r2': [4], 'all-r2': [4] })
  expect(stored().map(item => item['ttl']?.N)).toEqual(Array.from({ length: 4 }, () => String(1 + 3600 + 86_400)))
  await windows(1, [change('anna', 5, 1)])
  expect(states()).toMatchObject({ 'own-r1': [1, 2, 3, 5], 'all-r1': [1, 2, 3, 5] })
  expect(stored()).toEqual([])
})

test('a roll-back that fails half-way and redeliveries to old and new code merge each delta once', async () => {
  const { windows, states, stored } = aStage()
  const batch = [change('anna', 2, 1), change('anna', 3, 1)]
  await windows(2, batch)
  await windows(2, batch)
  const failing = { deleteRetired: async () => Promise.reject(new Error('throttled')) }
  await expect(windows(1, [], failing)).rejects.toThrow('throttled')
  await windows(2, batch)
  await windows(1, [change('anna', 4, 1)])
  expect(states()).toMatchObject({ 'own-r1': [2, 3, 4], 'all-r1': [2, 3, 4] })
  expect(stored()).toEqual([])
})

test('deltas of a user that was erased meanwhile are not merged into windows of the user', async () => {
  const { memory, windows, states, stored } = aStage()
  await windows(2, [change('anna', 1, 1), change('bob', 2, 1)])
  const erased = userAttributes(aUserItem('anna', { version: 3, erasedOrder: 3 }))
  memory.items.set('user#anna|state', erased)
  await windows(1, [])
  expect(states()).toEqual({ 'own-r1': [2], 'all-r1': [1, 2] })
  expect([...memory.items.keys()].filter(key => key.startsWith('user#anna|window'))).toEqual([])
  expect(stored()).toEqual([])
})

test('stored deltas stay stored while their users cannot be read', async () => {
  const { memory, windows, states, stored } = aStage()
  await windows(2, [change('anna', 1, 1)])
  memory.throttle('user#anna|state', 1)
  await expect(windows(1, [])).rejects.toThrow('throttled')
  expect(states()).toEqual({})
  expect(stored()).toHaveLength(2)
})

test('deltas are stored in the order of their numbers: another invocation that merges them meanwhile loses none', async () => {
  const { memory, windows, states, stored } = aStage()
  const operations = memory.operations()
  const slowFirst = stateTable('t', {
    ...operations,
    putItem: async input => {
      const isFirst = input.Item?.['sk']?.S?.endsWith('1') === true
      if (isFirst) await new Promise(resolve => setImmediate(resolve))
      await operations.putItem(input)
      if (!isFirst) await windows(1, [])
    },
  })
  await windows(2, [change('anna', 2, 1), change('anna', 1, 1)], { storeRetired: slowFirst.storeRetired })
  await windows(1, [])
  expect(states()).toEqual({ 'own-r1': [1, 2], 'all-r1': [1, 2] })
  expect(stored()).toEqual([])
})

test('the deltas of a window and user sort by their order numbers', () => {
  const key = (order: number) => retiredKey({ projection: 'own-r1', start: 0, user: 'anna', order })
  expect(key(9).sk < key(1_700_000_000_000_000).sk).toBe(true)
  expect(key(9).pk).toBe('retired#own-r1')
})
