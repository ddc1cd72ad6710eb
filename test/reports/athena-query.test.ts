import { athenaQuery, daysQuery } from '../../lambdas/reports/athena-query.ts'
import { readReportSql } from '../../lambdas/reports/report-sql.ts'
import { reportsFolder } from '../../shared/catalogue.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'

const day = (dt: string, over: object = {}) => ({ dt, raw: false, compacted: true, isNew: false, ...over })
const days = [
  day('2026-01-30'),
  day('2026-01-31'),
  day('2026-02-01'),
  day('2026-02-03'),
  day('2026-02-04', { raw: true }),
  day('2026-02-05', { raw: true, compacted: false, isNew: true }),
]
const daily = (over: Partial<{ days: typeof days }> = {}) =>
  daysQuery(durationP95, { database: 'millrace_dev', days, ...over }, { near: { back: 400, ahead: 1 }, withLater: true })

test('each table is read for its days only, which are ranges', () => {
  const query = daily()
  const compacted = "(dt BETWEEN '2026-01-30' AND '2026-02-01' OR dt BETWEEN '2026-02-03' AND '2026-02-04')"
  expect(query.match(/FROM "millrace_dev"\.\S+\nWHERE .*? AND event_type/g)).toEqual([
    `FROM "millrace_dev"."events"\nWHERE (dt BETWEEN '2026-02-04' AND '2026-02-05') AND event_type`,
    `FROM "millrace_dev"."archive"\nWHERE ${compacted} AND event_type`,
    `FROM "millrace_dev"."repetitions"\nWHERE ${compacted} AND event_type`,
  ])
  expect(query.match(/\(dt BETWEEN '2026-02-05' AND '2026-02-05'\) AS is_new/g)).toHaveLength(3)
})

test('without any day, one table is named and nothing read', () => {
  expect(daily({ days: [] })).toContain('FROM "millrace_dev"."events"\nWHERE false AND event_type')
})

test('the instants of a snapshot are numbers in the text', () => {
  const sql = readReportSql(reportsFolder, enrichedActions, 'athena')
  const query = athenaQuery(enrichedActions, sql, 'rows', { at: 1_769_860_800_000_000n }, { database: 'millrace_dev', days })
  expect(query).toContain('event_time_us < 1769860800000000')
  expect(query).toContain('event_time_us >= 1769850000000000')
  expect(query).not.toMatch(/\$(?!path)/)
})

test('a query over ten years of days is far below the longest one that Athena takes', () => {
  const all = Array.from({ length: 3650 }, (_, n) =>
    day(new Date(Date.UTC(2026, 0, 1) + n * 86_400_000).toISOString().slice(0, 10), { raw: n > 3640 }),
  )
  const sql = readReportSql(reportsFolder, durationP95, 'athena')
  const run = { days: Array.from({ length: 400 }, (_, n) => 20_454 + n) }
  expect(athenaQuery(durationP95, sql, 'rows by type', run, { database: 'd', days: all }).length).toBeLessThan(10_000)
})
