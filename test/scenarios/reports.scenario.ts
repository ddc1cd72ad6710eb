import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { s3Of } from '../../cli/clients.ts'
import { listObjects } from '../../cli/parquet.ts'
import { get } from '../../cli/query.ts'
import { rowsBelow, runReport } from '../../cli/report.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { formatInstant, millisToMicros } from '../../shared/time.ts'
import { millraceJson } from '../fixtures/command.ts'
import type { Row } from '../fixtures/reports/folder-archive.ts'
import { plainDurationP95 } from '../fixtures/reports/plain-duration-p95.ts'
import { nearly } from '../fixtures/reports/report-rows.ts'

const MINUTES = 60_000
const DAY = 86_400

/** A day of the years 2052 to 2325 that no other test sends to: the cloud may hold their events as well. */
const seed = Math.floor(Date.now() / 1000)
const midnight = (30_000 + (seed % 100_000)) * DAY
const date = new Date(midnight * 1000).toISOString().slice(0, 10)

/** 1,300 readings in disorder: two types on one day, readings without a type and the day after too small for a type. */
const first: Row[] = Array.from({ length: 1300 }, (_, at) => {
  const n = (at * 997) % 1300
  return {
    event_id: `${seed}-${n}`,
    device_id: `device ${n % 3}`,
    device_type: n % 10 === 9 ? null : n % 2 === 0 ? 'ｔhermo' : 'hygro 😀',
    timestamp: n < 1000 ? midnight + n / 1000 : midnight + DAY + n / 1000,
    event_duration: n === 500 ? 4096 : n % 40 === 7 ? null : (n % 17) / 4,
  }
})
/** The same ids again, later, saying something else. */
const again: Row[] = first.slice(0, 200).map(row => ({ ...row, timestamp: row.timestamp + DAY, event_duration: 1000 }))

const expected = (dimension: 'device_type' | 'device_id') =>
  nearly(plainDurationP95(first, dimension).map(({ name, ...row }) => ({ ...row, [dimension]: name })))

let target: Target
beforeAll(async () => {
  target = await findTarget(undefined)
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
  for (const [name, rows] of Object.entries({ first, again })) {
    const file = path.join(folder, `${name}.jsonl`)
    await writeFile(file, rows.map(row => JSON.stringify({ temperature: 20, status: 'ok', ...row })).join('\n'))
    await millraceJson('send', file, '--type', 'reading')
  }
  await rm(folder, { recursive: true })
  expect(await millraceJson('status', '--wait', '180')).toMatchObject({ settled: true })
}, 5 * MINUTES)

interface Answer {
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

const ofMyDays = (rows: Record<string, unknown>[]) =>
  rows.filter(row => row['date'] === date || row['date'] === new Date((midnight + DAY) * 1000).toISOString().slice(0, 10))

test(
  'the report of every day holds what plain code says, re-deliveries with other contents left out',
  async () => {
    const { prefixes, rows } = await millraceJson<Answer>('report', 'duration-p95')
    const [types, devices] = [await published(prefixes.by_type), await published(prefixes.by_device)]
    expect(ofMyDays(types)).toEqual(expected('device_type'))
    expect(ofMyDays(devices)).toEqual(expected('device_id'))
    expect(rows).toBe(types.length + devices.length)
  },
  2 * MINUTES,
)

test(
  'a run of one day publishes that day alone, Parquet alone under its prefixes, and the API shows it page by page',
  async () => {
    const { prefixes } = await millraceJson<Answer>('report', 'duration-p95', '--date', date)
    for (const prefix of Object.values(prefixes)) {
      const objects = await listObjects(s3Of(target), target.outputs.ArchiveBucket, prefix)
      expect(objects.map(({ key }) => key)).toEqual([`${prefix}${date}.parquet`])
    }
    const rows: unknown[] = []
    let cursor: string | null = null
    do {
      const query = new URLSearchParams({ date, by: 'device', limit: '2', ...(cursor && { cursor }) })
      const page = (await get(target, `/v1/reports/duration-p95?${query}`)) as { data: unknown[]; cursor: string | null }
      rows.push(...page.data)
      cursor = page.cursor
    } while (cursor)
    expect(rows).toEqual(await published(prefixes.by_device))
    expect(rows).toHaveLength(3)
  },
  2 * MINUTES,
)

test(
  'a scheduled instant that fires twice, also at once, is one run',
  async () => {
    const at = formatInstant(millisToMicros(Date.now() + 3_600_000))
    const runs = await Promise.allSettled([1, 2].map(() => runReport(target, { report: 'duration-p95', at, once: true })))
    const refused = runs.filter(run => run.status === 'rejected').map(({ reason }) => String(reason))
    expect(refused.filter(reason => !reason.includes('another run'))).toEqual([])
    const answers = runs.filter(run => run.status === 'fulfilled').map(({ value }) => value)
    expect(answers.length).toBeGreaterThan(0)
    const later = await runReport(target, { report: 'duration-p95', at, once: true })
    for (const answer of answers) expect(answer).toEqual(later)
  },
  2 * MINUTES,
)

test('what cannot be run is refused in one line', async () => {
  await expect(runReport(target, { report: 'no-such' })).rejects.toThrow(
    'Unknown report "no-such". Use one of: duration-p95, enriched-actions.',
  )
  await expect(runReport(target, { report: 'duration-p95', date: '2026-02-30' })).rejects.toThrow('date must be a day')
})

test('a user is found by any characters but a question mark', async () => {
  const users = ['a/b', '100% of+it', '%25', 'ü 😀#&']
  const headers = { authorization: `Bearer ${target.key('write')}`, 'content-type': 'application/json' }
  const events = users.map((device_id, n) => ({ id: `${seed}-user-${n}`, type: 'reading', data: { device_id, timestamp: 0 } }))
  await fetch(`${target.apiUrl}/v1/events`, { method: 'POST', headers, body: JSON.stringify(events) })
  await millraceJson('status', '--wait', '60')
  for (const user of users)
    expect(await get(target, `/v1/users/${encodeURIComponent(user)}`)).toEqual({ user, states: {}, windows: {} })
})

test('all stores are healthy, and those that took something lately say how far behind they were', async () => {
  const response = await fetch(`${target.apiUrl}/v1/health`)
  const health = (await response.json()) as { readonly stores: object }
  const taken = { reachable: true, lagSeconds: expect.any(Number) }
  expect(health).toMatchObject({ ok: true, stores: { state: taken, archive: taken, search: taken } })
  expect(Object.keys(health.stores)).toEqual(['stream', 'state', 'archive', 'reports', 'search'])
})
