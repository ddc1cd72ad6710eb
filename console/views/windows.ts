import type { Page } from '../../shared/http.ts'
import type { CountryRanking } from '../../shared/projections/country-minutes.ts'
import { get, pathTo } from '../api.ts'
import { type ChartData, timeChart } from '../chart.ts'
import { fill, h } from '../dom.ts'
import { count, instant } from '../format.ts'
import { type Row, table } from '../table.ts'
import type { View } from '../view.ts'

const READINGS = '1000'
const COUNTRY_MINUTES = '100'
const DAY_SECONDS = 86_400
/** The number of distinguishable line colours. */
const CHARTED_DEVICES = 8

/** Charts of the devices' minutes, and a table of the minutes of all users. */
export function windows(requestRefresh: () => void): View {
  const device = deviceField(requestRefresh)
  const knownDevices = h('datalist', { id: 'devices' })
  const temperature = timeChart({ label: 'Average temperature per minute by device', height: 220, unit: '°' })
  const duration = timeChart({ label: 'Average event duration per minute by device', height: 220, unit: 's' })
  const note = h('p', { class: 'note' })
  const uniqueUsers = timeChart({ label: 'Unique users per minute', height: 140, bars: true })
  const countries = h('div')
  const showReadings = (readings: readonly Row[]): void => {
    if (device.value === '') fill(knownDevices, ...devicesOf(readings).map(value => h('option', { value })))
    const charted = busiest(readings)
    temperature.draw(byDevice(readings, charted, 'avg_temperature'))
    duration.draw(byDevice(readings, charted, 'avg_event_duration'))
    note.textContent = noteOf(readings, charted)
  }
  return {
    element: h(
      'div',
      {},
      h('form', { class: 'bar', onsubmit: event => event.preventDefault() }, h('label', {}, 'Device ', device), knownDevices),
      h(
        'div',
        { class: 'columns' },
        h('section', { class: 'card' }, h('h2', {}, 'Temperature'), temperature.element),
        h('section', { class: 'card' }, h('h2', {}, 'Duration'), duration.element),
      ),
      note,
      h('section', { class: 'card' }, h('h2', {}, 'Countries by minute'), uniqueUsers.element, countries),
    ),
    intervalMs: 5_000,
    async refresh() {
      const [readings, minutes] = await Promise.all([
        readNewestDay('device-minutes', { limit: READINGS, key: device.value.trim() || undefined }),
        readNewestDay('country-minutes', { limit: COUNTRY_MINUTES }),
      ])
      showReadings(readings)
      uniqueUsers.draw(usersOf(minutes))
      fill(countries, countryTable(minutes))
    },
    dispose() {
      for (const chart of [temperature, duration, uniqueUsers]) chart.dispose()
    },
  }
}

const deviceField = (requestRefresh: () => void) =>
  h('input', {
    name: 'device',
    list: 'devices',
    placeholder: 'all devices',
    autocomplete: 'off',
    onchange: requestRefresh,
  })

/** Reads the newest windows of a projection, without those more than a day older than the newest: they would squeeze the chart. */
async function readNewestDay(name: string, parameters: Readonly<Record<string, string | undefined>>): Promise<Row[]> {
  const { data } = await get<Page<Row>>(pathTo(['projections', name], parameters), 'read')
  const [newest] = data
  return newest ? data.filter(row => startOf(newest) - startOf(row) < DAY_SECONDS) : []
}

const deviceOf = (row: Row): string => String(row['device_id'])
/** Epoch seconds. */
const startOf = (row: Row): number => Date.parse(String(row['window_start'])) / 1000
const devicesOf = (rows: readonly Row[]): string[] => [...new Set(rows.map(deviceOf))].sort()

/** The devices with the most windows, sorted by name. */
function busiest(rows: readonly Row[]): string[] {
  const windowsOf = new Map<string, number>()
  for (const row of rows) windowsOf.set(deviceOf(row), (windowsOf.get(deviceOf(row)) ?? 0) + 1)
  return [...windowsOf]
    .sort(([, a], [, b]) => b - a)
    .slice(0, CHARTED_DEVICES)
    .map(([device]) => device)
    .sort()
}

function byDevice(rows: readonly Row[], devices: readonly string[], measure: string): ChartData {
  const instants = [...new Set(rows.map(startOf))].sort((a, b) => a - b)
  const values = new Map(rows.map(row => [`${deviceOf(row)}\n${startOf(row)}`, Number(row[measure])]))
  const lineOf = (device: string) => ({ label: device, values: instants.map(start => values.get(`${device}\n${start}`) ?? null) })
  return { instants, lines: devices.map(lineOf) }
}

function noteOf(rows: readonly Row[], charted: readonly string[]): string {
  const devices = devicesOf(rows).length
  const shown = devices > charted.length ? `the ${charted.length} busiest of ${devices} devices` : `${devices} devices`
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
  const { count, countries } = row[name] as CountryRanking
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
    'No user records yet. Create some with `millrace simulate users`.',
  )
