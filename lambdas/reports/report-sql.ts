import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Report } from '../../shared/report.ts'
import { SafeError } from '../../shared/safe-error.ts'

/**
 * The statements of a report's file `NAME.sql`. A statement begins with a line `-- name: STATEMENT`. They read the view `arrivals`
 * (arrivals.ts), which has every row that the run needs before the first statement runs.
 *
 * - Steps: all statements that are not results. Each runs once, in the order of the file. A step may consist of several SQL
 *   statements.
 * - The results of a daily report, for each table: `rows by BY` has the rows of all days in the table `days`. Its first column is
 *   `date`. Days that are not in `days` are not published, because `arrivals` may lack rows of them.
 * - The result of a snapshot: `rows`.
 *
 * Rows have the columns of the definition, in their order, and are published in the order of the query. The table `days` has a
 * column `day` with the days to publish, since 1970. Parameters of a snapshot, in all statements: `$at`, the instant, and `$since`,
 * `everyHours` earlier, both in microseconds since 1970. The table `published` is reserved.
 */
export interface ReportSql {
  readonly steps: readonly string[]
  /** The result of this name. */
  result(name: string): string
}

const resultNames = (report: Report): string[] =>
  report.kind === 'daily' ? report.tables.map(({ by }) => `rows by ${by}`) : ['rows']

/** Reads `NAME.sql`, or for Athena `NAME.athena.sql`, in a folder. Throws a one-line SafeError that names the file when it or a statement is missing. */
export function readReportSql(folder: string, report: Report, engine: 'duckdb' | 'athena' = 'duckdb'): ReportSql {
  const file = path.join(folder, `${report.name}${engine === 'athena' ? '.athena' : ''}.sql`)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SafeError(`The report ${report.name} needs its SQL in ${file}: ${(error as NodeJS.ErrnoException).code}.`)
  }
  return parseReportSql(path.basename(file), text, report)
}

/** Parses the text of a report's SQL file. Throws a one-line SafeError when a result is missing or a name occurs twice. */
export function parseReportSql(file: string, text: string, report: Report): ReportSql {
  const statements = new Map<string, string>()
  for (const part of text.split(/^-- name: /m).slice(1)) {
    const [name = '', ...lines] = part.split('\n')
    if (statements.has(name.trim())) throw new SafeError(`${file} has two statements ${name.trim()}.`)
    statements.set(name.trim(), lines.join('\n'))
  }
  const names = resultNames(report)
  const results = new Map(names.map(name => [name, statements.get(name)]))
  const result = (name: string): string => {
    const statement = results.get(name)
    if (!statement?.trim()) throw new SafeError(`${file} has no statement ${name}.`)
    return statement
  }
  names.forEach(result)
  return { steps: [...statements].flatMap(([name, statement]) => (results.has(name) ? [] : [statement])), result }
}
