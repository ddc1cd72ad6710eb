import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { findTarget } from '../../cli/target.ts'
import { LOCK_MS, type ReportsTable, reportsTable } from '../../lambdas/reports/dynamodb.ts'
import { runId } from '../../shared/report.ts'

/** A report of nobody else. */
const report = `test-${process.pid}-${Date.now()}`
const now = Date.now()
let table: ReportsTable
beforeAll(async () => {
  const { outputs, aws } = await findTarget(undefined)
  table = reportsTable(outputs.ReportsTable, new DynamoDBClient(aws))
})

test('a lock has one holder at a time, and another when its holder is dead', async () => {
  const both = await Promise.all(['a', 'b'].map(owner => table.lock(report, 'date#1', owner, now)))
  expect(both.map(({ state }) => state).sort()).toEqual(['held', 'taken'])
  const loser = both[0]?.state === 'held' ? 'a' : 'b'
  await table.release(report, 'date#1', loser)
  expect(await table.lock(report, 'date#1', 'c', now + LOCK_MS)).toEqual({ state: 'held', until: now + LOCK_MS })
  expect(await table.lock(report, 'date#1', 'c', now + LOCK_MS + 1)).toEqual({ state: 'taken' })
  await table.release(report, 'date#1', 'c')
  expect(await table.lock(report, 'date#1', 'd', now)).toEqual({ state: 'taken' })
})

test('what has ended well is not done again, however late', async () => {
  await table.lock(report, 'at#1', 'a', now)
  await table.finish(report, 'at#1', 'somebody else', { rows: 1 })
  await table.finish(report, 'at#1', 'a', { rows: 2 })
  expect(await table.lock(report, 'at#1', 'b', now + 10 * LOCK_MS)).toEqual({ state: 'done', answer: { rows: 2 } })
})

test('a day shows the run that began last, in whatever order runs end', async () => {
  const [older, newer] = [runId(now, 'ffffffff'), runId(now + 1, '00000000')]
  expect(await table.publish(report, { date: '2026-01-31', run: newer, rows: { type: 2 } })).toBe(true)
  expect(await table.publish(report, { date: '2026-01-31', run: older, rows: { type: 1 } })).toBe(false)
  expect(await table.publish(report, { date: '0001-01-01', run: older, rows: {} })).toBe(true)
  expect(await table.publicationOf(report, '2026-01-31')).toEqual({ date: '2026-01-31', run: newer, rows: { type: 2 } })
  expect((await table.newest(report))?.date).toBe('2026-01-31')
  expect((await table.published(report)).map(({ date }) => date)).toEqual(['2026-01-31', '0001-01-01'])
})

test('how far arrivals were reported on never goes back', async () => {
  expect(await table.arrivalsUntil(report)).toBeUndefined()
  await table.noteArrivals(report, 2000)
  await table.noteArrivals(report, 1000)
  expect(await table.arrivalsUntil(report)).toBe(2000)
})
