import type { Page } from '../../shared/http.ts'
import type { ReportRow } from '../../shared/report.ts'
import { get, pathTo } from '../api.ts'
import { type ChartData, timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { columnsOf, count } from '../format.ts'
import type { ReportChoice } from '../report-choices.ts'
import { reportCsv } from '../report-csv.ts'
import { plainColumns, table } from '../table.ts'
import type { View } from '../view.ts'

const DAY_MS = 86_400_000
const DAYS = 14
const ROWS_PER_PAGE = '1000'

/** The tables that can be selected. console/build.ts defines them. */
declare const REPORT_CHOICES: readonly ReportChoice[]

type DayChart = NonNullable<ReportChoice['chart']>
type Rows = readonly ReportRow[]

/** The rows of a published report. For a daily report, the last two weeks, and a chart if it has one. */
export function reports(requestRefresh: () => void): View {
  const options = REPORT_CHOICES.map(({ label }) => h('option', {}, label))
  const select = h('select', { name: 'report', onchange: requestRefresh }, ...options)
  const chosen = (): ReportChoice | undefined => REPORT_CHOICES.find(({ label }) => label === select.value)
  const save = downloadButton(() => ({ choice: chosen(), rows }))
  const figures = REPORT_CHOICES.flatMap(choice => (choice.chart ? [dayFigure(choice, choice.chart)] : []))
  const shown = h('div')
  let rows: Rows = []
  return {
    element: h(
      'div',
      {},
      h(
        'form',
        { class: 'bar', onsubmit: event => event.preventDefault() },
        h('label', {}, 'Report ', select),
        save.element,
        save.note,
      ),
      ...figures.map(({ element }) => element),
      h('section', { class: 'card' }, h('h2', {}, 'Rows'), shown),
    ),
    intervalMs: 30_000,
    async refresh() {
      const choice = chosen()
      if (!choice) return
      rows = choice.by === undefined ? await readRows(choice.report, {}) : await readLastDays(choice.report, choice.by)
      if (choice !== chosen()) return
      save.enable(rows.length > 0)
      for (const figure of figures) figure.show(choice, rows)
      fill(shown, reportTable(choice, rows))
    },
    dispose() {
      save.dispose()
      for (const figure of figures) figure.dispose()
    },
  }
}

/** Downloads all rows of the shown report as CSV. The note says how far it is, or why it failed. */
function downloadButton(shown: () => { readonly choice: ReportChoice | undefined; readonly rows: Rows }) {
  const note = h('span', { role: 'status' })
  const element = h('button', { type: 'button', onclick: () => void download() }, 'Download CSV')
  let [isActive, isDisposed] = [false, false]
  async function download(): Promise<void> {
    const { choice, rows } = shown()
    if (!choice) return
    isActive = element.disabled = true
    const continues = (read: number): boolean => {
      note.textContent = `${count(read)} rows`
      return !isDisposed
    }
    try {
      const pieces = await reportCsv(queriesOf(choice, rows), parameters => readPage(choice.report, parameters), continues)
      if (pieces) saveAs(`${nameOf(choice)}.csv`, pieces)
    } catch (error) {
      note.textContent = `The download failed: ${(error as Error).message}`
    }
    isActive = element.disabled = false
  }
  return {
    element,
    note,
    enable(hasRows: boolean): void {
      element.disabled = isActive || !hasRows
    },
    dispose(): void {
      isDisposed = true
    },
  }
}

/** The chart of a choice. It is hidden while another choice is shown. */
function dayFigure(of: ReportChoice, { column, unit, group }: DayChart) {
  const chart = timeChart({ label: `${column} by day`, height: 240, unit, bars: true, days: true })
  const element = h('section', { class: 'card' }, h('h2', {}, `${column} by day`), chart.element)
  return {
    element,
    show(choice: ReportChoice, rows: Rows): void {
      element.hidden = choice !== of
      if (choice === of) chart.draw(byDay(rows, column, group))
    },
    dispose: () => chart.dispose(),
  }
}

const nameOf = ({ by, report }: ReportChoice): string => (by === undefined ? report : `${report}-by-${by}`)

const reportTable = ({ report }: ReportChoice, rows: Rows): HTMLElement =>
  table(
    report,
    plainColumns(columnsOf(rows)),
    rows,
    'Not published yet. The report runs on its schedule; `millrace report` runs it now.',
  )

/** Reads the first page of a report. Without a date, of its newest publication. */
async function readRows(report: string, parameters: Readonly<Record<string, string>>): Promise<Rows> {
  const { data } = await readPage(report, parameters)
  return data
}

const readPage = (report: string, parameters: Readonly<Record<string, string>>): Promise<Page<ReportRow>> =>
  get<Page<ReportRow>>(pathTo(['reports', report], { ...parameters, limit: ROWS_PER_PAGE }), 'read')

/** What a download reads: the newest instant, or the days of a daily report that are shown. */
function queriesOf({ by }: ReportChoice, rows: Rows): Readonly<Record<string, string>>[] {
  if (by === undefined) return [{}]
  return [...new Set(rows.map(row => String(row['date'])))].map(date => ({ by, date }))
}

/** Reads the newest published day and the days of the two weeks up to it. */
async function readLastDays(report: string, by: string): Promise<Rows> {
  const newest = await readRows(report, { by })
  const end = Date.parse(String(newest[0]?.['date']))
  if (Number.isNaN(end)) return []
  const dates = Array.from({ length: DAYS - 1 }, (_, days) => new Date(end - (days + 1) * DAY_MS).toISOString().slice(0, 10))
  const older = await Promise.all(dates.map(date => readRows(report, { by, date })))
  return [...newest, ...older.flat()]
}

function byDay(rows: Rows, column: string, group: string): ChartData {
  const days = [...new Set(rows.map(row => String(row['date'])))].sort()
  const measures = new Map(rows.map(row => [`${row[group]}\n${row['date']}`, Number(row[column])]))
  const groups = [...new Set(rows.map(row => String(row[group])))].sort()
  return {
    instants: days.map(day => Date.parse(day) / 1000),
    lines: groups.map(name => ({ label: name, values: days.map(day => measures.get(`${name}\n${day}`) ?? null) })),
  }
}

function saveAs(name: string, pieces: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([...pieces], { type: 'text/csv;charset=utf-8' }))
  h('a', { href: url, download: name }).click()
  URL.revokeObjectURL(url)
}
