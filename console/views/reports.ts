import { get, type Page, pathTo, type Row } from '../api.ts'
import { type ChartData, timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { columnsOf, csv } from '../format.ts'
import { plainColumns, table } from '../table.ts'
import type { View } from '../view.ts'

const DAY_MS = 86_400_000
const DAYS = 14
const MOST = '1000'

/** What can be chosen: a report, and which of its tables. */
const choices = {
  'p95 by device type': { report: 'duration-p95', by: 'type', group: 'device_type' },
  'p95 by device': { report: 'duration-p95', by: 'device', group: 'device_id' },
  'enriched actions': { report: 'enriched-actions', by: undefined, group: undefined },
} as const

type Choice = (typeof choices)[keyof typeof choices]

/** Published reports: the 95th percentile of durations by day, and actions with what their users did before. */
export function reports(refreshed: () => void): View {
  const select = h('select', { name: 'report', onchange: refreshed }, ...Object.keys(choices).map(name => h('option', {}, name)))
  const save = h('button', { type: 'button', onclick: () => download(nameOf(chosen()), rows) }, 'Download CSV')
  const chart = timeChart({ label: '95th percentile of the duration by day', height: 240, unit: 's', bars: true, days: true })
  const figure = h('section', { class: 'card' }, h('h2', {}, 'event_duration_p95 by day'), chart.element)
  const shown = h('div')
  const chosen = (): Choice => choices[select.value as keyof typeof choices]
  let rows: readonly Row[] = []
  return {
    element: h(
      'div',
      {},
      h('form', { class: 'bar', onsubmit: event => event.preventDefault() }, h('label', {}, 'Report ', select), save),
      figure,
      h('section', { class: 'card' }, h('h2', {}, 'Rows'), shown),
    ),
    every: 30_000,
    async refresh() {
      const choice = chosen()
      rows = choice.by === undefined ? await newest(choice.report, {}) : await lastDays(choice)
      if (choice !== chosen()) return
      figure.hidden = choice.group === undefined
      save.disabled = rows.length === 0
      if (choice.group) chart.draw(byDay(rows, choice.group))
      const none = 'Not made yet: it runs on its schedule, or now by `millrace report`.'
      fill(shown, table(choice.report, plainColumns(columnsOf(rows)), rows, none))
    },
    end: () => chart.end(),
  }
}

const nameOf = ({ report, by }: Choice): string => (by === undefined ? report : `${report}-by-${by}`)

const newest = (report: string, parameters: Readonly<Record<string, string>>): Promise<readonly Row[]> =>
  get<Page>(pathTo(['reports', report], { ...parameters, limit: MOST }), 'read').then(({ data }) => data)

/** The newest published day, and those of the two weeks before it. */
async function lastDays({ report, by }: Choice): Promise<readonly Row[]> {
  const parameters = by === undefined ? {} : { by }
  const last = await newest(report, parameters)
  const end = Date.parse(String(last[0]?.['date']))
  if (Number.isNaN(end)) return []
  const before = Array.from({ length: DAYS - 1 }, (_, days) => new Date(end - (days + 1) * DAY_MS).toISOString().slice(0, 10))
  const older = await Promise.all(before.map(date => newest(report, { ...parameters, date })))
  return [...last, ...older.flat()]
}

function byDay(rows: readonly Row[], group: string): ChartData {
  const days = [...new Set(rows.map(row => String(row['date'])))].sort()
  const p95 = new Map(rows.map(row => [`${row[group]}\n${row['date']}`, Number(row['event_duration_p95'])]))
  const groups = [...new Set(rows.map(row => String(row[group])))].sort()
  return {
    instants: days.map(day => Date.parse(day) / 1000),
    lines: groups.map(name => ({ label: name, values: days.map(day => p95.get(`${name}\n${day}`) ?? null) })),
  }
}

function download(name: string, rows: readonly Row[]): void {
  const url = URL.createObjectURL(new Blob([csv(rows, columnsOf(rows))], { type: 'text/csv' }))
  h('a', { href: url, download: `${name}.csv` }).click()
  URL.revokeObjectURL(url)
}
