import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type EngineName, type Report, type ReportColumn, type RowOrder, sqlFile } from '../../shared/report.ts'
import { SafeError } from '../../shared/safe-error.ts'

/**
 * The statements of a report in the SQL of an engine: `NAME.sql` for DuckDB, `NAME.athena.sql` for Athena. A statement begins with a
 * line `-- name: STATEMENT`. They read the table `arrivals` (arrivals.ts), which has every row that the run needs.
 *
 * - Steps: all statements that are not results. In DuckDB each runs once, in the order of the file, and may consist of several SQL
 *   statements. In Athena a step is definitions of common table expressions (athena-query.ts).
 * - The results of a daily report, for each table: `rows by BY` has the rows of all days in the table `days`. Days that are not in
 *   `days` are not published, because `arrivals` may lack rows of them.
 * - The result of a snapshot: `rows`.
 *
 * A result has the columns of the definition by name, and those of its order. A daily report has the column `date`. Timestamps are
 * microseconds since 1970. The table `days` has a column `day` with the days to publish, since 1970. Numbers of a snapshot, in all
 * statements: `$at`, the instant, and `$since`, `everyHours` earlier, both in microseconds since 1970. The table `published` is
 * reserved.
 */
export interface ReportSql {
  readonly steps: readonly string[]
  /** The result of this name. */
  result(name: string): string
}

/** The rows of a result as they are published. */
export interface ResultTable {
  readonly columns: readonly ReportColumn[]
  readonly order: RowOrder
}

/** The results of a report by name. */
export const resultsOf = (report: Report): ReadonlyMap<string, ResultTable> =>
  report.kind === 'daily'
    ? new Map<string, ResultTable>(report.tables.map(table => [`rows by ${table.by}`, table]))
    : new Map<string, ResultTable>([['rows', report]])

/** Reads the statements of a report for an engine. Throws a one-line SafeError that names the file when it or a statement is missing. */
export function readReportSql(folder: string, report: Report, engine: EngineName = 'duckdb'): ReportSql {
  const file = path.join(folder, sqlFile(report, engine))
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
  const names = [...resultsOf(report).keys()]
  const results = new Map(names.map(name => [name, statements.get(name)]))
  const result = (name: string): string => {
    const statement = results.get(name)
    if (!statement?.trim()) throw new SafeError(`${file} has no statement ${name}.`)
    return statement
  }
  names.forEach(result)
  return { steps: [...statements].flatMap(([name, statement]) => (results.has(name) ? [] : [statement])), result }
}
