import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { findTarget } from '../../cli/target.ts'
import { LOCK_MS, type ReportsTable, reportsTable } from '../../lambdas/reports/dynamodb.ts'
import { runId } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'

/** A report that only this run uses. */
const report = `test-${process.pid}-${Date.now()}`
const now = Date.now()
let table: ReportsTable
beforeAll(async () => {
  const { outputs, aws } = await findTarget(undefined)
  table = reportsTable(outputs.ReportsTable, new DynamoDBClient(aws))
})

test('a lock has one holder at a time; after it expires another run can take it', async () => {
  const both = await Promise.all(['a', 'b'].map(owner => table.lock(report, 'date#1', owner, now, false)))
  expect(both.map(({ state }) => state).sort()).toEqual(['held', 'taken'])
  const loser = both[0]?.state === 'held' ? 'a' : 'b'
  await table.release(report, 'date#1', loser)
  expect(await table.lock(report, 'date#1', 'c', now + LOCK_MS, false)).toEqual({ state: 'held', until: now + LOCK_MS })
  expect(await table.lock(report, 'date#1', 'c', now + LOCK_MS + 1, false)).toEqual({ state: 'taken' })
  await table.release(report, 'date#1', 'c')
  expect(await table.lock(report, 'date#1', 'd', now, false)).toEqual({ state: 'taken' })
})

test('a run that succeeded is never repeated', async () => {
  await table.lock(report, 'at#1', 'a', now, true)
  await table.finish(report, 'at#1', 'another owner', { rows: 1 })
  await table.finish(report, 'at#1', 'a', { rows: 2 })
  expect(await table.lock(report, 'at#1', 'b', now + 10 * LOCK_MS, true)).toEqual({ state: 'done', result: { rows: 2 } })
})

test('a caller that does not ask for `once` gets the lock of a finished run, but not of one that is running', async () => {
  await table.lock(report, 'at#2', 'a', now, true)
  expect(await table.lock(report, 'at#2', 'b', now, false)).toEqual({ state: 'held', until: now + LOCK_MS })
  await table.finish(report, 'at#2', 'a', { rows: 1 })
  expect(await table.lock(report, 'at#2', 'b', now, false)).toEqual({ state: 'taken' })
  expect(await table.lock(report, 'at#2', 'c', now, true)).toEqual({ state: 'held', until: now + LOCK_MS })
  await table.finish(report, 'at#2', 'b', { rows: 2 })
  expect(await table.lock(report, 'at#2', 'c', now, true)).toEqual({ state: 'done', result: { rows: 2 } })
})

test('a day shows the run that started last, in whatever order the runs end', async () => {
  const [older, newer] = [runId(now, 'ffffffff'), runId(now + 1, '00000000')]
  expect(await table.publish(report, { period: '2026-01-31', run: newer, rows: { type: 2 } })).toBe(true)
  expect(await table.publish(report, { period: '2026-01-31', run: older, rows: { type: 1 } })).toBe(false)
  expect(await table.publish(report, { period: '0001-01-01', run: older, rows: {} })).toBe(true)
  expect(await table.publicationOf(report, '2026-01-31')).toEqual({ period: '2026-01-31', run: newer, rows: { type: 2 } })
  expect((await table.newest({ ...durationP95, name: report }, now))?.period).toBe('2026-01-31')
  expect((await table.published(report)).map(({ period: of }) => of)).toEqual(['2026-01-31', '0001-01-01'])
})

test('a day of the future is not the newest day, whether its run or only its date says so', async () => {
  const daily = { ...durationP95, name: `${report}-future` }
  const run = runId(now, '00000000')
  const dayAfter = (days: number) => new Date(now + days * 86_400_000).toISOString().slice(0, 10)
  const publish = (period: string, ofFuture?: true) =>
    table.publish(daily.name, { period, run, rows: { type: 1 }, ...(ofFuture && { ofFuture }) })
  for (const period of ['9999-12-31', dayAfter(2)]) await publish(period)
  expect(await table.newest(daily, now)).toBeUndefined()
  for (const days of [-6, -5, -4, -3, -2, -1, 0, 1]) await publish(dayAfter(days), true)
  expect(await table.newest(daily, now)).toBeUndefined()
  await publish(dayAfter(-7))
  expect(await table.newest(daily, now)).toEqual({ period: dayAfter(-7), run, rows: { type: 1 } })
  await publish(dayAfter(1))
  expect((await table.newest(daily, now))?.period).toBe(dayAfter(1))
  expect((await table.publicationOf(daily.name, dayAfter(0)))?.ofFuture).toBe(true)
})

test('withdraw removes an instant, unless a newer run has replaced it', async () => {
  const instants = { ...enrichedActions, name: `${report}-instants` }
  const [older, newer] = [runId(now, '00000000'), runId(now + 1, '00000000')]
  const [first, second] = ['2026-01-31T12:00:00.500000Z', '2026-01-31T12:00:01Z'] as const
  for (const instant of [first, second]) await table.publish(instants.name, { period: instant, run: older, rows: { 0: 7 } })
  expect((await table.newest(instants, now))?.period).toBe(second)
  await table.publish(instants.name, { period: first, run: newer, rows: { 0: 8 } })
  for (const instant of [first, second]) await table.withdraw(instants.name, { period: instant, run: older })
  expect(await table.published(instants.name)).toEqual([{ period: first, run: newer, rows: { 0: 8 } }])
  expect(await table.publicationOf(instants.name, second)).toBeUndefined()
})

test('the arrival time up to which reports have run never decreases', async () => {
  expect(await table.arrivalsUntil(report)).toBeUndefined()
  await table.noteArrivals(report, 2000)
  await table.noteArrivals(report, 1000)
  expect(await table.arrivalsUntil(report)).toBe(2000)
})
