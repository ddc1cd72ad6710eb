import * as z from 'zod/mini'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { isPartItem, readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { MAX_SLOT_USERS, MAX_USER_PAGES, perWindow, type SlotItem } from '../../shared/grains/window.ts'
import { countryMinutes } from '../../shared/projections/country-minutes.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { Table } from '../simulation/table.ts'

const visitors = perWindow({
  name: 'visitors',
  revision: 1,
  on: [pageVisit],
  window: 60,
  at: ({ data }) => data.Timestamp,
  slots: 1,
  initial: () => ({ events: 0, users: 0 }),
  fold: state => ({ events: state.events + 1, users: 1 }),
  merge: (a, b, { firstOfUser }) => ({ events: a.events + b.events, users: a.users + (firstOfUser ? b.users : 0) }),
  document: (state, { usersAreMinimum }) => ({ ...state, usersAreMinimum }),
  shape: z.object({ events: z.int(), users: z.int(), usersAreMinimum: z.boolean() }),
})

const changeOf = (user: string, order: number) => {
  const outbox = [{ projection: 'visitors-r1', start: 0, order, state: { events: 1, users: 1 } }]
  return { dynamodb: { NewImage: userAttributes(aUserItem(user, { version: order, outbox })) } }
}
const usersOf = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `u${from + i}`)

/** A table and the windows function on it. `slotUsers`: how many users the item and each page remember. */
function aStage(slotUsers: number) {
  const memory = new Table()
  const table = stateTable('t', memory.operations())
  const counted: string[] = []
  const merge = (users: readonly string[], order: number, change: Partial<typeof table> = {}) =>
    mergeBatch(
      users.map(user => changeOf(user, order)),
      {
        table: { ...table, ...change },
        quarantine: { add: async () => undefined },
        projections: [visitors],
        lifetime: { latenessMs: undefined, retentionMs: 0 },
        slotUsers,
        deploymentWaitMs: 900_000,
        telemetry: { count: name => void counted.push(name), annotate: () => undefined },
        now: () => 0,
      },
    )
  const slots = () => [...memory.items.values()].map(readItem).filter(isPartItem)
  const document = () => visitors.grain.document(visitors, slots())
  const pages = () => [...memory.items.keys()].filter(key => key.startsWith('slot-users#'))
  return { memory, table, merge, slots, document, pages, counted }
}

test('a slot counts more users than its item remembers, each once, and drops no redelivery twice', async () => {
  const { merge, document, pages, slots } = aStage(10)
  for (const order of [1, 2])
    for (let from = 0; from < 100; from += 4) {
      await merge(usersOf(from, from + 4), order)
      await merge(usersOf(from, from + 4), order)
    }
  await merge(usersOf(0, 100), 1)
  expect(document()).toEqual({ events: 200, users: 100, usersAreMinimum: false })
  expect(slots()).toMatchObject([{ pages: { count: pages().length } }])
})

test('users beyond the item and the pages never count twice, and the document says that they are a minimum', async () => {
  const { merge, document } = aStage(10)
  for (const order of [1, 2, 3]) for (let from = 0; from < 200; from += 4) await merge(usersOf(from, from + 4), order)
  expect(document()).toMatchObject({ events: 600, usersAreMinimum: true })
  expect(document()['users']).toBeGreaterThanOrEqual(100)
  expect(document()['users']).toBeLessThanOrEqual(200)
})

test('a crash between the pages and the item changes nothing, and what an outdated attempt writes is not read', async () => {
  const { merge, document, slots } = aStage(4)
  await merge(['a', 'b', 'c', 'd'], 1)
  const [before] = slots()
  const crash = { putPart: async () => Promise.reject(new Error('crash')) }
  await expect(merge(['e'], 1, crash)).rejects.toThrow('crash')
  expect(slots()).toMatchObject([{ version: 1, state: { users: 4 } }])
  expect(slots()[0]).not.toHaveProperty('pages')
  await merge(['f'], 1)
  for (const users of [
    ['g', 'h'],
    ['i', 'j'],
    ['k', 'l'],
  ]) {
    const outdated = { readPart: async () => before, putPart: async () => 'conflict' as const }
    await expect(merge(['x', 'y'], 1, outdated)).rejects.toThrow('Other writers')
    await merge(users, 1)
  }
  for (const order of [1, 2]) for (const users of ['abcd', 'efgh', 'ijkl']) await merge([...users], order)
  expect(document()).toEqual({ events: 24, users: 12, usersAreMinimum: false })
})

test('a slot whose page is gone counts nobody as new', async () => {
  const { memory, merge, document, pages } = aStage(2)
  await merge(['a', 'b'], 1)
  await merge(['c'], 1)
  for (const key of pages()) memory.items.delete(key)
  await merge(['a'], 2)
  expect(document()).toEqual({ events: 4, users: 3, usersAreMinimum: true })
})

test.each([
  [80, 1],
  [79, 0],
])('a slot with %d %% of its users is reported %d times', async (percent, reports) => {
  const { merge, counted } = aStage(100)
  for (let from = 0; from < percent * 10 - 10; from += 50) await merge(usersOf(from, Math.min(from + 50, percent * 10 - 10)), 1)
  expect(counted).not.toContain('SlotTooLarge')
  await merge(usersOf(percent * 10 - 10, percent * 10), 1)
  expect(counted.filter(name => name === 'SlotTooLarge').length).toBe(reports)
})

test('200,000 users a slot are exact with the sizes of the product', () => {
  expect(MAX_SLOT_USERS * MAX_USER_PAGES).toBe(200_000)
})

test('a minute of countries says that its users are a minimum only if they are', () => {
  const slot: SlotItem = {
    kind: 'slot',
    projection: 'country-minutes-r1',
    start: 0,
    slot: 0,
    version: 1,
    state: countryMinutes.initial(),
    users: new Map(),
  }
  const { grain } = countryMinutes
  expect(grain.document(countryMinutes, [slot, slot])).not.toHaveProperty('unique_users_is_minimum')
  const full = { ...slot, forgottenUsers: 1 }
  expect(grain.document(countryMinutes, [slot, full])).toMatchObject({ unique_users_is_minimum: true })
})
