import type { DuckDBValue } from '@duckdb/node-api'
import { csvHeader, csvRows } from '../../shared/csv.ts'
import { formatCount } from '../../shared/limits.ts'
import { alignCells } from '../table.ts'
import { visible, visibleLines } from '../visible.ts'
import type { SqlRows } from './sql-engine.ts'
import { csvValue, isNumeric, jsonValue, tableText } from './values.ts'

export type Format = 'table' | 'json' | 'csv'

/** Rows and characters of a cell that a table shows. */
const SHOWN_ROWS = 100
const SHOWN_CHARACTERS = 60

const BYTE_ORDER_MARK = '\ufeff'

/**
 * The text of a result, piece by piece. JSON and tables have no control characters of clients. CSV is exact in a file: it has such
 * characters unless it is for a terminal.
 */
export function textsOf(result: SqlRows, format: Format, terminal: boolean): AsyncGenerator<string> {
  if (format === 'json') return jsonTexts(result)
  return format === 'csv' ? csvTexts(result, terminal) : tableTexts(result)
}

/** One JSON value with a line for each row: `{"columns":[{"name","type"}],"rows":[[value]]}`. */
async function* jsonTexts({ columns, batches }: SqlRows): AsyncGenerator<string> {
  yield visibleLines(`{"columns":${JSON.stringify(columns)},"rows":[`)
  let separator = '\n'
  for await (const rows of batches()) {
    const lines = rows.map(row => visibleLines(JSON.stringify(row.map(jsonValue))))
    if (lines.length > 0) yield `${separator}${lines.join(',\n')}`
    if (lines.length > 0) separator = ',\n'
  }
  yield ']}\n'
}

/** For spreadsheets, as the CSV of reports: with a byte order mark, and an apostrophe before a text that begins like a formula. */
async function* csvTexts(result: SqlRows, terminal: boolean): AsyncGenerator<string> {
  const names = namesOf(result)
  const shown = (value: unknown): unknown => (terminal && typeof value === 'string' ? visible(value) : value)
  yield terminal ? csvHeader(names.map(visible)) : `${BYTE_ORDER_MARK}${csvHeader(names)}`
  for await (const rows of result.batches())
    yield csvRows(
      rows.map(row => Object.fromEntries(row.map((value, at) => [names[at], shown(csvValue(value))]))),
      names,
    )
}

/** A table of the first rows. The others are counted. */
async function* tableTexts(result: SqlRows): AsyncGenerator<string> {
  const names = namesOf(result)
  const first: (readonly DuckDBValue[])[] = []
  let count = 0
  for await (const rows of result.batches()) {
    first.push(...rows.slice(0, SHOWN_ROWS - first.length))
    count += rows.length
  }
  const cells = first.map(row => row.map(value => cut(tableText(value))))
  yield `${alignCells(
    [names, ...cells],
    names.map((_, at) => first.some(row => isNumeric(row[at] ?? null))),
  )}\n`
  const more = count - first.length
  if (more > 0) yield `… and ${formatCount(more)} more rows; print all of them with --csv or --json.\n`
  else yield `${formatCount(count)} ${count === 1 ? 'row' : 'rows'}\n`
}

const namesOf = ({ columns }: SqlRows): string[] => columns.map(({ name }) => name)

/** Cuts a text between code points. */
function cut(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text
  const characters = [...text.slice(0, 2 * SHOWN_CHARACTERS)]
  return characters.length <= SHOWN_CHARACTERS ? text : `${characters.slice(0, SHOWN_CHARACTERS).join('')}…`
}
