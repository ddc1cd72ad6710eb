import type { ColumnInfo } from '@aws-sdk/client-athena'
import { DuckDBDecimalValue, DuckDBTimestampTZValue, DuckDBTimestampValue, type DuckDBValue } from '@duckdb/node-api'
import { parseInstant } from '../../shared/time.ts'

const INTEGERS: readonly string[] = ['tinyint', 'smallint', 'integer', 'bigint']
const FLOATS: readonly string[] = ['real', 'float', 'double']
/** DuckDB's decimals have at most 38 digits, as Trino's. */
const DIGITS = 38

/**
 * A text of Athena's results as the value that DuckDB would give. What DuckDB has no value for, or Athena writes in a form of its own, stays
 * text: arrays, maps, rows, times with another zone than UTC or more than microseconds.
 */
export function duckValueOf(text: string | null, type: string): DuckDBValue {
  if (text === null) return null
  if (INTEGERS.includes(type)) return BigInt(text)
  if (FLOATS.includes(type)) return Number(text)
  if (type === 'boolean') return text === 'true'
  if (type.startsWith('decimal')) return decimalOf(text)
  return type.startsWith('timestamp') ? (timestampOf(text) ?? text) : text
}

function decimalOf(text: string): DuckDBDecimalValue {
  const scale = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0
  return new DuckDBDecimalValue(BigInt(text.replace('.', '')), DIGITS, scale)
}

function timestampOf(text: string): DuckDBValue | undefined {
  const [, day, time, fraction = '', zone] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?( UTC)?$/.exec(text) ?? []
  const exact = fraction.replace(/0+$/, '')
  if (day === undefined || exact.length > 6) return undefined
  const micros = parseInstant(`${day}T${time}${exact && `.${exact}`}Z`)
  if (micros === undefined) return undefined
  return zone ? new DuckDBTimestampTZValue(micros) : new DuckDBTimestampValue(micros)
}

/** The names of columns, each once: the second `n` is `n:1`, as in DuckDB. */
export function namesOf(columns: readonly ColumnInfo[]): string[] {
  const names = new Set<string>()
  for (const { Name: name = '' } of columns) {
    let unique = name
    for (let n = 1; names.has(unique); n += 1) unique = `${name}:${n}`
    names.add(unique)
  }
  return [...names]
}
