import * as z from 'zod/mini'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { userFold } from '../../lambdas/state/fold-record.ts'
import { isLate, planLateness } from '../../lambdas/state/lateness.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { aVisit } from '../fixtures/builders.ts'
import { aStoredUser, memory } from '../fixtures/memory.ts'
import { Table } from '../simulation/table.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = 1_700_000_000_000

test('a longer bound holds for windows that cannot have been written under the shorter one', () => {
  const first = planLateness(undefined, HOUR_MS, NOW)
  expect(first).toEqual({ latenessMs: HOUR_MS })
  for (const latenessMs of [2 * HOUR_MS, undefined]) {
    const bound = planLateness(first, latenessMs, NOW)
    expect(bound).toEqual({ latenessMs, shorter: { latenessMs: HOUR_MS, untilMs: NOW + DAY_MS } })
    expect([HOUR_MS, HOUR_MS + 1].map(late => isLate(NOW + late, NOW, bound))).toEqual([false, true])
    const end = NOW + DAY_MS
    expect([2 * HOUR_MS, 2 * HOUR_MS + 1].map(late => isLate(end + late, end, bound))).toEqual([false, latenessMs !== undefined])
  }
})

test('an equal or shorter bound changes nothing else, and the shortest bound is kept', () => {
  const unlimited = planLateness(undefined, undefined, NOW)
  expect(planLateness(unlimited, undefined, NOW + 1)).toEqual(unlimited)
  const longer = planLateness(planLateness(unlimited, HOUR_MS, NOW), undefined, NOW)
  const shorter = planLateness(longer, 2 * DAY_MS, NOW + DAY_MS)
  expect(shorter).toEqual({ ...longer, latenessMs: 2 * DAY_MS })
  const again = planLateness(shorter, 3 * DAY_MS, NOW + DAY_MS)
  expect(again).toEqual({ latenessMs: 3 * DAY_MS, shorter: { latenessMs: HOUR_MS, untilMs: NOW + 2 * DAY_MS } })
})

test('environments that start at once agree, and one that starts later gets the same bound', async () => {
  const table = stateTable('t', new Table().operations())
  await table.recordLateness(HOUR_MS, NOW)
  const bounds = await Promise.all([1, 2, 3].map(hours => table.recordLateness(undefined, NOW + hours * HOUR_MS)))
  expect(bounds).toEqual([bounds[0], bounds[0], bounds[0]])
  expect(await table.recordLateness(undefined, NOW + 2 * DAY_MS)).toEqual(bounds[0])
})

test('an event for a window that has expired under a shorter bound is late, and starts no window again', async () => {
  const table = stateTable('t', new Table().operations())
  const minutes = perUserWindow({
    name: 'minutes',
    revision: 1,
    on: [pageVisit],
    key: 'user',
    window: 60,
    at: ({ data }) => data.Timestamp,
    initial: () => ({ n: 0 }),
    fold: ({ n }) => ({ n: n + 1 }),
    merge: (a, b) => ({ n: a.n + b.n }),
    shape: z.object({ n: z.int() }),
    document: state => state,
  })
  await table.recordLateness(HOUR_MS, NOW)
  const arrived = NOW + 10 * DAY_MS
  const bound = await table.recordLateness(undefined, arrived)
  const rules = { projections: [minutes], memory, ...bound, retentionMs: DAY_MS }
  const eventAt = (ms: number) => aVisit('/a', ms / 1000, { subject: '1', received: arrived })
  const result = (ms: number) => {
    const record = { sequenceNumber: '1', received: arrived, arrived, events: [eventAt(ms)], positions: [0], erasure: false }
    const { late, deltas } = userFold(aStoredUser('1'), rules).fold(record)
    return { late, deltas: [...deltas.values()].map(({ delta }) => delta) }
  }
  expect(result(NOW)).toMatchObject({ late: 1, deltas: [] })
  expect(result(arrived - HOUR_MS / 2)).toMatchObject({ late: 0, deltas: [{ projection: 'minutes-r1' }] })
})
