import type { Page } from '../../shared/http.ts'
import type { ReportRow } from '../../shared/report.ts'
import { get, pathTo } from '../api.ts'
import { type ChartData, timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { columnsOf, csv } from '../format.ts'
import { plainColumns, table } from '../table.ts'
import type { View } from '../view.ts'

const DAY_MS = 86_400_000
const DAYS = 14
const ROWS_PER_DAY = '1000'

/** The tables that can be selected, by their label. A table with a `group` also has a chart of its days. */
const choices = {
  'p95 by device type': { report: 'duration-p95', by: 'type', group: 'device_type' },
  'p95 by device': { report: 'duration-p95', by: 'device', group: 'device_id' },
  'enriched actions': { report: 'enriched-actions', by: undefined, group: undefined },
} as const

type Choice = (typeof choices)[keyof typeof choices]
type Rows = readonly ReportRow[]

/** The rows of a published report. For a daily report, the last two weeks and a chart of the 95th percentile. */
export function reports(requestRefresh: () => void): View {
  const options = Object.keys(choices).map(name => h('option', {}, name))
  const select = h('select', { name: 'report', onchange: requestRefresh }, ...options)
  const save = h('button', { type: 'button', onclick: () => download(nameOf(chosen()), rows) }, 'Download CSV')
  const chart = timeChart({ label: '95th percentile of the duration by day', height: 240, unit: 's', bars: true, days: true })
  const figure = h('section', { class: 'card' }, h('h2', {}, 'event_duration_p95 by day'), chart.element)
  const shown = h('div')
  const chosen = (): Choice => choices[select.value as keyof typeof choices]
  let rows: Rows = []
  return {
    element: h(
      'div',
      {},
      h('form', { class: 'bar', onsubmit: event => event.preventDefault() }, h('label', {}, 'Report ', select), save),
      figure,
      h('section', { class: 'card' }, h('h2', {}, 'Rows'), shown),
    ),
    intervalMs: 30_000,
    async refresh() {
      const choice = chosen()
      rows = choice.by === undefined ? await readRows(choice.report, {}) : await readLastDays(choice)
      if (choice !== chosen()) return
      figure.hidden = choice.group === undefined
      save.disabled = rows.length === 0
      if (choice.group) chart.draw(byDay(rows, choice.group))
      fill(shown, reportTable(choice, rows))
    },
    dispose: () => chart.dispose(),
  }
}

const nameOf = ({ report, by }: Choice): string => (by === undefined ? report : `${report}-by-${by}`)

const reportTable = ({ report }: Choice, rows: Rows): HTMLElement =>
  table(
    report,
    plainColumns(columnsOf(rows)),
    rows,
    'Not published yet. The report runs on its schedule; `millrace report` runs it now.',
  )

/** Reads the first page of a report. Without a date, of its newest publication. */
async function readRows(report: string, parameters: Readonly<Record<string, string>>): Promise<Rows> {
  const { data } = await get<Page<ReportRow>>(pathTo(['reports', report], { ...parameters, limit: ROWS_PER_DAY }), 'read')
  return data
}

/** Reads the newest published day and the days of the two weeks up to it. */
async function readLastDays({ report, by }: Choice): Promise<Rows> {
  const parameters = by === undefined ? {} : { by }
  const newest = await readRows(report, parameters)
  const end = Date.parse(String(newest[0]?.['date']))
  if (Number.isNaN(end)) return []
  const dates = Array.from({ length: DAYS - 1 }, (_, days) => new Date(end - (days + 1) * DAY_MS).toISOString().slice(0, 10))
  const older = await Promise.all(dates.map(date => readRows(report, { ...parameters, date })))
  return [...newest, ...older.flat()]
}

function byDay(rows: Rows, group: string): ChartData {
  const days = [...new Set(rows.map(row => String(row['date'])))].sort()
  const p95 = new Map(rows.map(row => [`${row[group]}\n${row['date']}`, Number(row['event_duration_p95'])]))
  const groups = [...new Set(rows.map(row => String(row[group])))].sort()
  return {
    instants: days.map(day => Date.parse(day) / 1000),
    lines: groups.map(name => ({ label: name, values: days.map(day => p95.get(`${name}\n${day}`) ?? null) })),
  }
}

function download(name: string, rows: Rows): void {
  const url = URL.createObjectURL(new Blob([csv(rows, columnsOf(rows))], { type: 'text/csv' }))
  h('a', { href: url, download: `${name}.csv` }).click()
  URL.revokeObjectURL(url)
}
