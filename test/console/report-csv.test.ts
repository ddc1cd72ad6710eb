import { reportCsv } from '../../console/report-csv.ts'
import type { ReportRow } from '../../shared/report.ts'

const rowsOf = (from: number, count: number): ReportRow[] =>
  Array.from({ length: count }, (_, n) => ({ date: '2026-01-31', name: n === 0 ? '=1+1' : 'a,"b"', n: from + n }))

/** The pages of two queries: 2,500 rows and 1 row. */
function pages() {
  const asked: object[] = []
  const readPage = async (parameters: Readonly<Record<string, string>>) => {
    asked.push(parameters)
    const from = Number(parameters['cursor'] ?? 0)
    const all = parameters['date'] === '2026-01-31' ? 2500 : 1
    const end = Math.min(from + 1000, all)
    return { data: rowsOf(from, end - from), cursor: end < all ? String(end) : null }
  }
  return { asked, readPage }
}

const queries = [
  { by: 'type', date: '2026-01-31' },
  { by: 'type', date: '2026-01-30' },
]

test('the CSV has the rows of all pages of all queries under one header', async () => {
  const { asked, readPage } = pages()
  const counts: number[] = []
  const pieces = await reportCsv(queries, readPage, rows => counts.push(rows) > 0)
  const [header, ...lines] = (pieces ?? []).join('').split('\r\n')
  expect(header).toBe('\ufeffdate,name,n')
  expect(lines).toHaveLength(2501 + 1)
  expect(lines[0]).toBe("2026-01-31,'=1+1,0")
  expect(lines[1]).toBe('2026-01-31,"a,""b""",1')
  expect(counts).toEqual([1000, 2000, 2500, 2501])
  expect(asked).toEqual([queries[0], { ...queries[0], cursor: '1000' }, { ...queries[0], cursor: '2000' }, queries[1]])
})

test('a download that does not continue reads no further page', async () => {
  const { asked, readPage } = pages()
  expect(await reportCsv(queries, readPage, rows => rows < 1500)).toBeUndefined()
  expect(asked).toHaveLength(2)
})
