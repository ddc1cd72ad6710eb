import { csvHeader, csvRows } from '../shared/csv.ts'
import type { Page } from '../shared/http.ts'
import type { ReportRow } from '../shared/report.ts'
import { columnsOf } from './format.ts'

/** Tells spreadsheets that a CSV file is UTF-8. */
const BYTE_ORDER_MARK = '\ufeff'

type Parameters = Readonly<Record<string, string>>

/**
 * The CSV of all rows that some queries select, in pieces: each is one page, because no response can hold a large report. `continues` is
 * called with the number of rows after each page; undefined when it returns false.
 */
export async function reportCsv(
  queries: readonly Parameters[],
  readPage: (parameters: Parameters) => Promise<Page<ReportRow>>,
  continues: (rows: number) => boolean,
): Promise<readonly string[] | undefined> {
  const pieces: string[] = [BYTE_ORDER_MARK]
  let columns: readonly string[] = []
  let rows = 0
  for (const query of queries) {
    let cursor: string | null = null
    do {
      const page: Page<ReportRow> = await readPage({ ...query, ...(cursor && { cursor }) })
      if (columns.length === 0 && page.data.length > 0) {
        columns = columnsOf(page.data)
        pieces.push(csvHeader(columns))
      }
      pieces.push(csvRows(page.data, columns))
      rows += page.data.length
      if (!continues(rows)) return undefined
      cursor = page.cursor
    } while (cursor)
  }
  return pieces
}
