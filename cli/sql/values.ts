import {
  DuckDBArrayValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import { formatInstant, inRange } from '../../shared/time.ts'

/** JSON's text of numbers. The types of the compiler's library do not have it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object }

/** Integers and decimals keep all their digits, times their microseconds. */
export function jsonValue(value: DuckDBValue): unknown {
  if (typeof value === 'bigint' || value instanceof DuckDBDecimalValue) return rawJSON(String(value))
  if (typeof value !== 'object' || value === null) return value
  if (isInstant(value)) return instantText(value)
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(jsonValue)
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, each]) => [name, jsonValue(each)]))
  if (value instanceof DuckDBMapValue)
    return Object.fromEntries(value.entries.map(({ key, value: each }) => [String(key), jsonValue(each)]))
  return value instanceof DuckDBUnionValue ? jsonValue(value.value) : String(value)
}

/** What a cell of CSV shows: a number is not text, and times have a fixed width, as in the CSV of reports. */
export function csvValue(value: DuckDBValue): unknown {
  if (typeof value !== 'object' || value === null || value instanceof DuckDBDecimalValue) return value
  if (!isInstant(value)) return textOf(value)
  const text = instantText(value)
  return text.endsWith('Z') ? text.replace('T', ' ').replace(/(\.\d+)?Z$/, (_, fraction = '.000000') => fraction) : text
}

/** What a cell of a table shows. */
export const tableText = (value: DuckDBValue): string => (value === null ? '-' : textOf(value))

export const isNumeric = (value: DuckDBValue): boolean =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof DuckDBDecimalValue

function textOf(value: DuckDBValue): string {
  const json = jsonValue(value)
  const isText = typeof json === 'string'
  return isText ? json : typeof json === 'number' ? String(json) : JSON.stringify(json)
}

type Instant = DuckDBTimestampValue | DuckDBTimestampTZValue

const isInstant = (value: DuckDBValue): value is Instant =>
  value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue

/** RFC 3339 in UTC; DuckDB's own text for infinity and other years. */
const instantText = (value: Instant): string =>
  inRange(value.micros) === undefined ? String(value) : formatInstant(value.micros)
