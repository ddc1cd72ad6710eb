import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { s3Of } from '../../cli/clients.ts'
import { listObjects } from '../../cli/parquet.ts'
import { get } from '../../cli/query.ts'
import { rowsBelow, runReport } from '../../cli/report.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { formatInstant, millisToMicros } from '../../shared/time.ts'
import { millraceJson } from '../fixtures/command.ts'
import { reportPages } from '../fixtures/report-pages.ts'
import type { Row } from '../fixtures/reports/folder-archive.ts'
import { plainDurationP95 } from '../fixtures/reports/plain-duration-p95.ts'
import { nearly } from '../fixtures/reports/report-rows.ts'
import { runScheduledThrice } from '../fixtures/scheduled-runs.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { send, untilSettled } from '../fixtures/thread.ts'

const MINUTES = 60_000
const DAY_SECONDS = 86_400
const folder = temporaryFolder('reports')

/** A day of the years 2052 to 2325 that only this run uses: the same cloud holds events of other tests. */
const seed = Math.floor(Date.now() / 1000)
const midnight = (30_000 + (seed % 100_000)) * DAY_SECONDS
const date = new Date(midnight * 1000).toISOString().slice(0, 10)

/** 1,300 readings out of order: two types on one day, readings without a type, and a second day with too few readings for a type. */
const first: Row[] = Array.from({ length: 1300 }, (_, at) => {
  const n = (at * 997) % 1300
  return {
    event_id: `${seed}-${n}`,
    device_id: `device ${n % 3}`,
    device_type: n % 10 === 9 ? null : n % 2 === 0 ? 'ｔhermo' : 'hygro 😀',
    timestamp: n < 1000 ? midnight + n / 1000 : midnight + DAY_SECONDS + n / 1000,
    event_duration: n === 500 ? 4096 : n % 40 === 7 ? null : (n % 17) / 4,
  }
})
/** The same ids again, delivered later with other contents. */
const redelivered: Row[] = first
  .slice(0, 200)
  .map(row => ({ ...row, timestamp: row.timestamp + DAY_SECONDS, event_duration: 1000 }))

const expected = (dimension: 'device_type' | 'device_id') =>
  nearly(plainDurationP95(first, dimension).map(({ name, ...row }) => ({ ...row, [dimension]: name })))

let target: Target
beforeAll(async () => {
  target = await findTarget(undefined)
  for (const [name, rows] of Object.entries({ first, redelivered })) {
    const file = path.join(folder, `${name}.jsonl`)
    await writeFile(file, rows.map(row => JSON.stringify({ temperature: 20, status: 'ok', ...row })).join('\n'))
    await send(file, 'reading')
  }
  await untilSettled(180)
}, 5 * MINUTES)

interface Result {
  readonly prefixes: { readonly by_type: string; readonly by_device: string }
  readonly rows: number
}

const published = async (prefix: string): Promise<Record<string, unknown>[]> =>
  (await rowsBelow(target, prefix)).map(row => ({
    ...row,
    date: (row['date'] as Date).toISOString().slice(0, 10),
    num_events: Number(row['num_events']),
    kept: Number(row['kept']),
  }))

const ofRun = (rows: Record<string, unknown>[]) =>
  rows.filter(row => row['date'] === date || row['date'] === new Date((midnight + DAY_SECONDS) * 1000).toISOString().slice(0, 10))

test(
  'the report of every day equals a plain computation that ignores redeliveries, also as one CSV file',
  async () => {
    const csv = path.join(folder, 'devices.csv')
    const { prefixes, rows } = await millraceJson<Result>('report', 'duration-p95', '--csv', csv, '--by', 'device')
    const [types, devices] = [await published(prefixes.by_type), await published(prefixes.by_device)]
    expect(ofRun(types)).toEqual(expected('device_type'))
    expect(ofRun(devices)).toEqual(expected('device_id'))
    expect(rows).toBe(types.length + devices.length)
    const [header, ...lines] = (await readFile(csv, 'utf8')).trimEnd().split('\n')
    expect(header?.replace('\ufeff', '')).toBe('date,device_id,num_events,kept,mean,stddev,event_duration_p95')
    expect(lines.map(line => line.split(',').slice(0, 4))).toEqual(
      devices.map(row => [row['date'], row['device_id'], row['num_events'], row['kept']].map(String)),
    )
  },
  2 * MINUTES,
)

test(
  'a run of one day publishes only that day, only Parquet under its prefixes, and the API returns it page by page',
  async () => {
    const { prefixes } = await millraceJson<Result>('report', 'duration-p95', '--date', date)
    for (const prefix of Object.values(prefixes)) {
      const objects = await listObjects(s3Of(target), target.outputs.ArchiveBucket, prefix)
      expect(objects.map(({ key }) => key)).toEqual([`${prefix}${date}.parquet`])
    }
    const rows = await reportPages(target, 'duration-p95', { date, by: 'device', limit: '2' })
    expect(rows).toEqual(await published(prefixes.by_device))
    expect(rows).toHaveLength(3)
  },
  2 * MINUTES,
)

test(
  'a scheduled instant that fires more than once, also concurrently, is one run',
  async () => {
    await runScheduledThrice(target, 'duration-p95', formatInstant(millisToMicros(Date.now() + 3_600_000)))
  },
  2 * MINUTES,
)

test('an unknown report and an invalid date are errors of one line', async () => {
  await expect(runReport(target, { report: 'no-such' })).rejects.toThrow(
    'Unknown report "no-such". Use one of: duration-p95, enriched-actions.',
  )
  await expect(runReport(target, { report: 'duration-p95', date: '2026-02-30' })).rejects.toThrow('date must be a day')
})

test('a user id in a path may contain any character except a question mark', async () => {
  const users = ['a/b', '100% of+it', '%25', 'ü 😀#&']
  const headers = { authorization: `Bearer ${target.key('write')}`, 'content-type': 'application/json' }
  const events = users.map((device_id, n) => ({ id: `${seed}-user-${n}`, type: 'reading', data: { device_id, timestamp: 0 } }))
  await fetch(`${target.apiUrl}/v1/events`, { method: 'POST', headers, body: JSON.stringify(events) })
  await untilSettled(60)
  for (const user of users)
    expect(await get(target, `/v1/users/${encodeURIComponent(user)}`)).toEqual({ user, states: {}, windows: {} })
})

test('all stores are healthy, and those with recent writes report their lag', async () => {
  const response = await fetch(`${target.apiUrl}/v1/health`)
  const health = (await response.json()) as { readonly stores: object }
  const written = { reachable: true, lagSeconds: expect.any(Number) }
  expect(health).toMatchObject({ ok: true, stores: { state: written, archive: written, search: written } })
  expect(Object.keys(health.stores)).toEqual(['stream', 'state', 'archive', 'reports', 'search'])
})
