import type { ReportColumn } from '../../shared/report.ts'
import { sqlName } from '../archive/duckdb.ts'
import type { ResultTable } from './report-sql.ts'

const sqlTypes: Record<Exclude<ReportColumn['type'], 'timestamp'>, string> = {
  date: 'DATE',
  string: 'VARCHAR',
  bigint: 'BIGINT',
  double: 'DOUBLE',
}

/**
 * The rows of a result with the columns of the definition, in its order. The order is applied here and not by an engine: the files of
 * Athena have none. An engine's other columns are only there to be sorted by.
 */
export function publishedQuery(result: string, { columns, order }: ResultTable): string {
  const query = result.trim().replace(/;$/, '')
  return `SELECT ${columns.map(publishedColumn).join(', ')} FROM (\n${query}\n) ORDER BY ${order.map(sortKey).join(', ')}`
}

/** An engine has times as microseconds since 1970: Athena would write timestamps in milliseconds. */
function publishedColumn({ name, type }: ReportColumn): string {
  const column = sqlName(name)
  return `${type === 'timestamp' ? `make_timestamp(CAST(${column} AS BIGINT))` : `CAST(${column} AS ${sqlTypes[type]})`} AS ${column}`
}

/** A result without rows. */
export function noRows({ columns, order }: ResultTable): string {
  const names = new Set([...columns.map(({ name }) => name), ...order.map(nameOf)])
  return `SELECT ${[...names].map(name => `NULL AS ${sqlName(name)}`).join(', ')} WHERE false`
}

const DESCENDING = / desc$/

const nameOf = (key: string): string => key.replace(DESCENDING, '')
const sortKey = (key: string): string => `${sqlName(nameOf(key))}${DESCENDING.test(key) ? ' DESC' : ''}`
