import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { findTarget } from '../../cli/target.ts'
import { LOCK_MS, type ReportsTable, reportsTable } from '../../lambdas/reports/dynamodb.ts'
import { runId } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'

/** A report of nobody else. */
const report = `test-${process.pid}-${Date.now()}`
const now = Date.now()
let table: ReportsTable
beforeAll(async () => {
  const { outputs, aws } = await findTarget(undefined)
  table = reportsTable(outputs.ReportsTable, new DynamoDBClient(aws))
})

test('a lock has one holder at a time, and another when its holder is dead', async () => {
  const both = await Promise.all(['a', 'b'].map(owner => table.lock(report, 'date#1', owner, now, false)))
  expect(both.map(({ state }) => state).sort()).toEqual(['held', 'taken'])
  const loser = both[0]?.state === 'held' ? 'a' : 'b'
  await table.release(report, 'date#1', loser)
  expect(await table.lock(report, 'date#1', 'c', now + LOCK_MS, false)).toEqual({ state: 'held', until: now + LOCK_MS })
  expect(await table.lock(report, 'date#1', 'c', now + LOCK_MS + 1, false)).toEqual({ state: 'taken' })
  await table.release(report, 'date#1', 'c')
  expect(await table.lock(report, 'date#1', 'd', now, false)).toEqual({ state: 'taken' })
})

test('what has ended well is not done again, however late', async () => {
  await table.lock(report, 'at#1', 'a', now, true)
  await table.finish(report, 'at#1', 'somebody else', { rows: 1 })
  await table.finish(report, 'at#1', 'a', { rows: 2 })
  expect(await table.lock(report, 'at#1', 'b', now + 10 * LOCK_MS, true)).toEqual({ state: 'done', result: { rows: 2 } })
})

test('who does not ask for one run only gets the lock of what has ended, but of nothing under way', async () => {
  await table.lock(report, 'at#2', 'a', now, true)
  expect(await table.lock(report, 'at#2', 'b', now, false)).toEqual({ state: 'held', until: now + LOCK_MS })
  await table.finish(report, 'at#2', 'a', { rows: 1 })
  expect(await table.lock(report, 'at#2', 'b', now, false)).toEqual({ state: 'taken' })
  expect(await table.lock(report, 'at#2', 'c', now, true)).toEqual({ state: 'held', until: now + LOCK_MS })
  await table.finish(report, 'at#2', 'b', { rows: 2 })
  expect(await table.lock(report, 'at#2', 'c', now, true)).toEqual({ state: 'done', result: { rows: 2 } })
})

test('a day shows the run that began last, in whatever order runs end', async () => {
  const [older, newer] = [runId(now, 'ffffffff'), runId(now + 1, '00000000')]
  expect(await table.publish(report, { period: '2026-01-31', run: newer, rows: { type: 2 } })).toBe(true)
  expect(await table.publish(report, { period: '2026-01-31', run: older, rows: { type: 1 } })).toBe(false)
  expect(await table.publish(report, { period: '0001-01-01', run: older, rows: {} })).toBe(true)
  expect(await table.publicationOf(report, '2026-01-31')).toEqual({ period: '2026-01-31', run: newer, rows: { type: 2 } })
  expect((await table.newest({ ...durationP95, name: report }))?.period).toBe('2026-01-31')
  expect((await table.published(report)).map(({ period: of }) => of)).toEqual(['2026-01-31', '0001-01-01'])
})

test('an instant is shown until it is withdrawn, unless it was replaced meanwhile', async () => {
  const instants = { ...enrichedActions, name: `${report}-instants` }
  const [older, newer] = [runId(now, '00000000'), runId(now + 1, '00000000')]
  const [first, second] = ['2026-01-31T12:00:00.500000Z', '2026-01-31T12:00:01Z'] as const
  for (const instant of [first, second]) await table.publish(instants.name, { period: instant, run: older, rows: { 0: 7 } })
  expect((await table.newest(instants))?.period).toBe(second)
  await table.publish(instants.name, { period: first, run: newer, rows: { 0: 8 } })
  for (const instant of [first, second]) await table.withdraw(instants.name, { period: instant, run: older })
  expect(await table.published(instants.name)).toEqual([{ period: first, run: newer, rows: { 0: 8 } }])
  expect(await table.publicationOf(instants.name, second)).toBeUndefined()
})

test('how far arrivals were reported on never goes back', async () => {
  expect(await table.arrivalsUntil(report)).toBeUndefined()
  await table.noteArrivals(report, 2000)
  await table.noteArrivals(report, 1000)
  expect(await table.arrivalsUntil(report)).toBe(2000)
})
