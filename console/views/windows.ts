import { get, type Page, pathTo, type Row } from '../api.ts'
import { type ChartData, timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { count, instant } from '../format.ts'
import { table } from '../table.ts'
import type { View } from '../view.ts'

const MOST = '1000'
const DAY = 86_400
/** Colours that an eye can tell apart. */
const DEVICES = 8

interface Ranking {
  readonly count: number
  readonly countries: readonly string[]
}

/** Minutes of the devices as charts, and minutes over all users as a table. */
export function windows(refreshed: () => void): View {
  const device = h('input', {
    name: 'device',
    list: 'devices',
    placeholder: 'all devices',
    autocomplete: 'off',
    onchange: refreshed,
  })
  const known = h('datalist', { id: 'devices' })
  const temperature = timeChart({ label: 'Average temperature of each minute by device', height: 220, unit: '°' })
  const length = timeChart({ label: 'Average event duration of each minute by device', height: 220, unit: 's' })
  const note = h('p', { class: 'note' })
  const people = timeChart({ label: 'Unique users of each minute', height: 140, bars: true })
  const countries = h('div')
  const element = h(
    'div',
    {},
    h('form', { class: 'bar', onsubmit: event => event.preventDefault() }, h('label', {}, 'Device ', device), known),
    h(
      'div',
      { class: 'columns' },
      h('section', { class: 'card' }, h('h2', {}, 'Temperature'), temperature.element),
      h('section', { class: 'card' }, h('h2', {}, 'Duration'), length.element),
    ),
    note,
    h('section', { class: 'card' }, h('h2', {}, 'Countries by minute'), people.element, countries),
  )
  return {
    element,
    every: 5_000,
    async refresh() {
      // A device whose clock is years ahead must not hide the present.
      const to = new Date(Date.now() + DAY * 1000).toISOString()
      const read = (name: string, parameters = {}) =>
        get<Page>(pathTo(['projections', name], { limit: MOST, to, ...parameters }), 'read').then(({ data }) => ofNewestDay(data))
      const [readings, minutes] = await Promise.all([
        read('device-minutes', { key: device.value.trim() || undefined }),
        read('country-minutes', { limit: '100' }),
      ])
      if (device.value === '') fill(known, ...devicesOf(readings).map(value => h('option', { value })))
      const chosen = busiest(readings)
      temperature.draw(byDevice(readings, chosen, 'avg_temperature'))
      length.draw(byDevice(readings, chosen, 'avg_event_duration'))
      note.textContent = noteOf(readings, chosen)
      people.draw(usersOf(minutes))
      fill(countries, countryTable(minutes))
    },
    end: () => [temperature, length, people].forEach(chart => void chart.end()),
  }
}

const deviceOf = (row: Row): string => String(row['device_id'])
const startOf = (row: Row): number => Date.parse(String(row['window_start'])) / 1000
/** Rows come newest first; one far in the past would press all others into one line. */
const ofNewestDay = (rows: readonly Row[]): Row[] => rows.filter((row, _, [newest = row]) => startOf(newest) - startOf(row) < DAY)
const devicesOf = (rows: readonly Row[]): string[] => [...new Set(rows.map(deviceOf))].sort()

/** The devices with most windows, in their order by name. */
function busiest(rows: readonly Row[]): string[] {
  const windowsOf = new Map<string, number>()
  for (const row of rows) windowsOf.set(deviceOf(row), (windowsOf.get(deviceOf(row)) ?? 0) + 1)
  return [...windowsOf]
    .sort(([, a], [, b]) => b - a)
    .slice(0, DEVICES)
    .map(([device]) => device)
    .sort()
}

function byDevice(rows: readonly Row[], devices: readonly string[], measure: string): ChartData {
  const instants = [...new Set(rows.map(startOf))].sort((a, b) => a - b)
  const values = new Map(rows.map(row => [`${deviceOf(row)}\n${startOf(row)}`, Number(row[measure])]))
  const lineOf = (device: string) => ({ label: device, values: instants.map(start => values.get(`${device}\n${start}`) ?? null) })
  return { instants, lines: devices.map(lineOf) }
}

function noteOf(rows: readonly Row[], chosen: readonly string[]): string {
  const devices = devicesOf(rows).length
  const shown = devices > chosen.length ? `the ${chosen.length} busiest of ${devices} devices` : `${devices} devices`
  return rows.length === 0 ? 'No windows yet.' : `${count(rows.length)} windows of the newest day, ${shown}.`
}

function usersOf(minutes: readonly Row[]): ChartData {
  const oldestFirst = minutes.toReversed()
  return {
    instants: oldestFirst.map(startOf),
    lines: [{ label: 'unique users', values: oldestFirst.map(row => Number(row['unique_users'])) }],
  }
}

const ranked = (row: Row, name: 'most' | 'least'): string => {
  const { count, countries } = row[name] as Ranking
  return `${countries.join(', ')} (${count})`
}

const countryTable = (minutes: readonly Row[]): HTMLElement =>
  table<Row>(
    'Countries by minute',
    [
      { title: 'Minute (UTC)', cell: row => instant(String(row['window_start'])) },
      { title: 'Events', cell: row => count(Number(row['events'])), number: true },
      { title: 'Unique users', cell: row => count(Number(row['unique_users'])), number: true },
      { title: 'Females', cell: row => count(Number(row['females'])), number: true },
      { title: 'Most represented', cell: row => ranked(row, 'most') },
      { title: 'Least represented', cell: row => ranked(row, 'least') },
    ],
    minutes,
    'No user records yet: try `millrace simulate users`.',
  )
