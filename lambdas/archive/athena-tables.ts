import { COMPACTED_TABLE, RAW_TABLE, REPETITIONS_TABLE } from '../../shared/archive-columns.ts'
import { parseDay } from '../../shared/time.ts'
import { sqlString } from './duckdb.ts'
import type { DayTables } from './list-tables.ts'

const MS_PER_DAY = 86_400_000

/** A Glue table of the archive, with the days of arrival that are read from it. */
export interface TableDays {
  readonly name: string
  /** Sorted. */
  readonly days: readonly string[]
}

/** The tables with the days that are read from each; at least one table, so that a query has its columns. */
export function tablesOf(days: readonly DayTables[]): TableDays[] {
  const namesOf = (isIn: (day: DayTables) => boolean): string[] => days.filter(isIn).map(({ dt }) => dt)
  const [raw, compacted] = [namesOf(day => day.raw), namesOf(day => day.compacted)]
  const tables = [
    { name: RAW_TABLE, days: raw },
    { name: COMPACTED_TABLE, days: compacted },
    { name: REPETITIONS_TABLE, days: compacted },
  ]
  const read = tables.filter(table => table.days.length > 0)
  return read.length > 0 ? read : tables.slice(0, 1)
}

/** Whether a row arrived on one of these days, which are sorted: by ranges, because a query may have 262,144 bytes. */
export function arrivedOn(days: readonly string[]): string {
  const ranges: { first: string; last: string }[] = []
  for (const dt of days) {
    const range = ranges.at(-1)
    if (range && dayAfter(range.last) === dt) range.last = dt
    else ranges.push({ first: dt, last: dt })
  }
  if (ranges.length === 0) return 'false'
  return `(${ranges.map(({ first, last }) => `dt BETWEEN ${sqlString(first)} AND ${sqlString(last)}`).join(' OR ')})`
}

const dayAfter = (dt: string): string => new Date(((parseDay(dt) ?? 0) + 1) * MS_PER_DAY).toISOString().slice(0, 10)
