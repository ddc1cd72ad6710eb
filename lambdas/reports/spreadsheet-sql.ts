import { type SqlColumn, sqlName } from '../archive/duckdb.ts'

/** Tells spreadsheets that a CSV file is UTF-8. */
const BYTE_ORDER_MARK = '\ufeff'

/** A text that a spreadsheet takes for a formula. Tab and carriage return count, because spreadsheets skip them. */
const FORMULA = String.raw`'^[=+\-@\t\r]'`

/** Microseconds of every timestamp, also of whole seconds: all cells have one width and sort as text. */
const TIMESTAMP = "'%Y-%m-%d %H:%M:%S.%f'"

/**
 * A query of the rows for a CSV file that people open in a spreadsheet: a text that begins like a formula gets an apostrophe, and the
 * file begins with a byte order mark. The mark is part of the first column's name, because DuckDB writes the whole file. `rows` is
 * everything from FROM on.
 */
export function spreadsheetQuery(rows: string, columns: readonly SqlColumn[]): string {
  const cells = columns.map(({ name, type }, at) => {
    const header = at === 0 ? `${BYTE_ORDER_MARK}${name}` : name
    return `${cellOf(sqlName(name), type)} AS ${sqlName(header)}`
  })
  return `SELECT ${cells.join(', ')} ${rows}`
}

function cellOf(column: string, type: string): string {
  if (type === 'VARCHAR') return `CASE WHEN regexp_matches(${column}, ${FORMULA}) THEN '''' || ${column} ELSE ${column} END`
  return type === 'TIMESTAMP' ? `strftime(${column}, ${TIMESTAMP})` : column
}
