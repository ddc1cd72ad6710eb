import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseReportSql, readReportSql } from '../../lambdas/reports/report-sql.ts'
import { reports, reportsFolder } from '../../shared/catalogue.ts'
import { sqlFile } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { describeError } from '../../shared/safe-error.ts'

const statements = (...names: string[]): string => names.map(name => `-- name: ${name}\nSELECT '${name}';\n`).join('\n')
const parse = (...names: string[]) => parseReportSql('a.sql', `-- A report.\n${statements(...names)}`, enrichedActions)
const thrownBy = (work: () => unknown): string => {
  try {
    work()
    return 'nothing'
  } catch (error) {
    return describeError(error)
  }
}

test.each(reports)('the SQL files of $name are complete', report => {
  expect(() => readReportSql(reportsFolder, report)).not.toThrow()
  const hasAthena = existsSync(path.join(reportsFolder, sqlFile(report, 'athena')))
  expect(() => hasAthena && readReportSql(reportsFolder, report, 'athena')).not.toThrow()
})

test('the steps are all statements that are not results, in the order of the file', () => {
  const sql = parse('second', 'rows', 'first')
  expect(sql.steps.map(step => step.trim())).toEqual(["SELECT 'second';", "SELECT 'first';"])
  expect(sql.result('rows').trim()).toBe("SELECT 'rows';")
})

test('a daily report needs rows for each of its tables', () => {
  const daily = (...names: string[]) => parseReportSql('b.sql', statements(...names), durationP95)
  expect(daily('rows by type', 'rows by device').steps).toEqual([])
  expect(thrownBy(() => daily('rows by type'))).toBe('b.sql has no statement rows by device.')
})

test('a missing, an empty and a repeated statement are named in one line', () => {
  expect(thrownBy(() => parse('step'))).toBe('a.sql has no statement rows.')
  expect(thrownBy(() => parseReportSql('a.sql', '-- name: rows\n', enrichedActions))).toBe('a.sql has no statement rows.')
  expect(thrownBy(() => parse('rows', 'rows'))).toBe('a.sql has two statements rows.')
})

test('a missing file is named in one line', () => {
  const file = path.join('test', 'enriched-actions.sql')
  expect(thrownBy(() => readReportSql('test', enrichedActions))).toBe(
    `The report enriched-actions needs its SQL in ${file}: ENOENT.`,
  )
})
