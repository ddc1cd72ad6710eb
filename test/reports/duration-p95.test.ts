import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { publishedKey, publishedPrefix } from '../../shared/report.ts'
import { archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'
import { goldenReadings, readGolden } from '../fixtures/reports/golden-readings.ts'
import { nearly, reportRows, rowsOf, run } from '../fixtures/reports/report-rows.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
})
afterEach(() => rm(folder, { recursive: true }))

test.each(goldenReadings)('duration-p95: %s', async name => {
  const expected = readGolden(name)
  await archiveRows(folder, 'events/dt=2025-11-26/hour=12/a.parquet', expected.rows)
  const { type, device } = await reportRows(folder, 'every day')
  expect(type).toEqual(nearly(expected.by_type))
  expect(device).toEqual(nearly(expected.by_device))
})

const noon = Date.UTC(2025, 10, 26, 12) / 1000
const day = Math.floor(noon / 86_400)
const readings = (count: number, from: number, row: Partial<Row> = {}): Row[] =>
  Array.from({ length: count }, (_, at) => ({ event_id: `e${from + at}`, timestamp: noon, event_duration: 1, ...row }))
const object = (name: string): string => `events/dt=2025-11-26/hour=12/${name}.parquet`

test('events of a day count whatever partition they arrived in', async () => {
  await archiveRows(folder, object('a'), readings(100, 0))
  await archiveRows(folder, 'events/dt=2027-01-01/hour=00/b.parquet', readings(100, 100))
  const { device } = await reportRows(folder, { day })
  expect(device).toMatchObject([{ date: '2025-11-26', num_events: 200 }])
})

test('durations whose sum overflows a double have a mean and a deviation', async () => {
  const durations = [1.797e308, 1e308].flatMap(event_duration => Array.from({ length: 100 }, () => ({ event_duration })))
  const rows = durations.map((row, at) => ({ event_id: `e${at}`, timestamp: noon, ...row }))
  await archiveRows(folder, object('a'), rows)
  const { device } = await reportRows(folder, { day })
  const expected = { kept: 200, mean: 1.3985e308, stddev: 3.985e307 * Math.sqrt(200 / 199), event_duration_p95: 1.797e308 }
  expect(device).toEqual(nearly([{ date: '2025-11-26', device_id: 'd1', num_events: 200, ...expected }]))
})

test('a run for one day does not download objects whose footer excludes the day and earlier arrivals', async () => {
  await archiveRows(folder, object('a'), readings(200, 0, { received: 2000 }))
  await archiveRows(folder, object('b'), readings(200, 1000, { timestamp: noon + 86_400, received: 3000 }))
  expect((await reportRows(folder, { day })).downloads).toEqual([object('a')])
})

test('an event that arrived earlier with another day does not count again, in a run for one day and for all days', async () => {
  await archiveRows(folder, object('a'), readings(201, 0, { timestamp: noon - 86_400, received: 1000 }))
  await archiveRows(folder, object('b'), readings(201, 200, { received: 2000 }))
  const expected = [{ date: '2025-11-26', num_events: 200 }]
  expect((await reportRows(folder, { day })).device).toMatchObject(expected)
  expect((await reportRows(folder, 'every day')).device).toMatchObject([{ date: '2025-11-25', num_events: 201 }, ...expected])
})

test('a scheduled run reports all events of the days with arrivals', async () => {
  await archiveRows(folder, object('a'), [...readings(150, 0), ...readings(300, 1000, { timestamp: noon - 86_400 })])
  await archiveRows(folder, object('b'), readings(60, 150))
  await utimes(path.join(folder, object('a')), 1000, 1000)
  await utimes(path.join(folder, object('b')), 2000, 2000)
  const { device, publications } = await reportRows(folder, 'days with arrivals', 1_500_000)
  expect(device).toMatchObject([{ date: '2025-11-26', num_events: 210 }])
  expect(publications.map(({ period }) => period)).toEqual(['2025-11-26'])
})

test('an event that reaches the archive after its repetition leaves the day of the repetition, also in a scheduled run', async () => {
  const earlier = { timestamp: noon - 86_400, received: 1000 }
  await archiveRows(folder, object('a'), readings(201, 0, { received: 2000 }))
  await archiveRows(folder, object('b'), [...readings(1, 0, earlier), ...readings(200, 1000, earlier)])
  await archiveRows(folder, object('c'), readings(200, 5000, { timestamp: noon - 2 * 86_400, received: 3000 }))
  await utimes(path.join(folder, object('a')), 1000, 1000)
  await utimes(path.join(folder, object('b')), 2000, 2000)
  await utimes(path.join(folder, object('c')), 1000, 1000)
  const rowsOfDays = [
    { date: '2025-11-25', num_events: 201 },
    { date: '2025-11-26', num_events: 200 },
  ]
  expect((await reportRows(folder, 'days with arrivals', 1_500_000)).device).toMatchObject(rowsOfDays)
})

test('a scheduled run leaves out days that are far from every arrival, and counts them', async () => {
  const DAY = 86_400
  const received = noon * 1000
  const rows = (days: number, from: number, count: number) => readings(count, from, { timestamp: noon + days * DAY, received })
  await archiveRows(folder, object('a'), [
    ...rows(-401, 1000, 200),
    ...rows(-400, 2000, 200),
    ...rows(0, 3000, 200),
    ...rows(1, 4000, 200),
    ...rows(2, 5000, 5),
    ...rows(90_000, 6000, 1),
  ])
  const near = { back: 400, ahead: 1 }
  const scheduled = await reportRows(folder, 'days with arrivals', 0, near)
  expect(scheduled.publications.map(({ period }) => period)).toEqual(['2024-10-22', '2025-11-26', '2025-11-27'])
  expect(scheduled.skipped).toEqual({ days: 3, arrivals: 206 })
  for (const all of [await reportRows(folder, 'days with arrivals', 0), await reportRows(folder, 'every day', 0, near)]) {
    expect(all.publications).toHaveLength(6)
    expect(all.skipped).toEqual({ days: 0, arrivals: 0 })
  }
})

test('one arrival near a day is enough for a scheduled run to publish the day with all of its events', async () => {
  const received = (noon + 86_400 * 1000) * 1000
  await archiveRows(folder, object('a'), [...readings(199, 0, { received }), ...readings(1, 199, { received: noon * 1000 })])
  const { device, skipped } = await reportRows(folder, 'days with arrivals', 0, { back: 400, ahead: 1 })
  expect(device).toMatchObject([{ date: '2025-11-26', num_events: 200 }])
  expect(skipped).toEqual({ days: 0, arrivals: 0 })
})

test('a day of which arrivals have expired is not published again: what is published of it stays', async () => {
  const later = (days: number) => ({ timestamp: noon + days * 86_400, received: (noon + 40 * 86_400) * 1000 })
  await archiveRows(folder, 'events/dt=2026-01-05/hour=12/late.parquet', [
    ...readings(1, 200, later(0)),
    ...readings(1, 300, later(1)),
    ...readings(200, 1000, later(2)),
  ])
  const expired = {
    dt: '2025-11-26',
    version: 1,
    run,
    registered: run,
    switched: 1,
    compacted: 1,
    settled: true,
    expired: 2,
  } as const
  await folderArchive(folder).ledger.put(expired)
  for (const period of ['days with arrivals', 'every day'] as const) {
    const { publications, skipped } = await rowsOf(folder, { period, since: 0, near: 'all' })
    expect(publications).toMatchObject([{ period: '2025-11-28', rows: { device: 1 } }])
    expect(skipped).toEqual({ days: 2, arrivals: 2 })
  }
  const ofDay = rowsOf(folder, { period: { day }, since: 0, near: 'all' })
  await expect(ofDay).rejects.toThrow('Arrivals of 2025-11-26 have expired')
})

test('a day is of the future if each of its events is more than 24 hours after its arrival', async () => {
  const DAY = 86_400
  const at = (days: number, secondsBefore: number): Partial<Row> => ({
    timestamp: noon + days * DAY,
    received: (noon + days * DAY - secondsBefore) * 1000,
  })
  await archiveRows(folder, object('a'), [
    ...readings(200, 0, at(0, 0)),
    ...readings(200, 1000, at(1, DAY)),
    ...readings(200, 2000, at(2, DAY + 1)),
    ...readings(200, 3000, at(3, DAY + 1)),
    ...readings(1, 4000, at(3, 0)),
  ])
  const { publications, device } = await reportRows(folder, 'every day')
  expect(publications.map(({ period, ofFuture }) => [period, ofFuture])).toEqual([
    ['2025-11-26', undefined],
    ['2025-11-27', undefined],
    ['2025-11-28', true],
    ['2025-11-29', undefined],
  ])
  expect(device).toHaveLength(4)
})

test('an archive without objects, without readings or with an empty object gives no rows', async () => {
  expect((await reportRows(folder, 'every day')).publications).toEqual([])
  await archiveRows(folder, object('a'), [])
  await writeFile(path.join(folder, object('empty')), '')
  expect((await reportRows(folder, 'every day')).publications).toEqual([])
  expect((await reportRows(folder, { day })).publications).toEqual([{ period: '2025-11-26', run, rows: {} }])
})

test('a column that an older object does not have reads as null', async () => {
  await archiveRows(folder, object('a'), readings(200, 0), ['reading_device_type', 'reading_status'])
  await archiveRows(folder, object('b'), readings(500, 200))
  const { type, device } = await reportRows(folder, 'every day')
  expect(type).toMatchObject([{ device_type: 'thermo', num_events: 500 }])
  expect(device).toMatchObject([{ num_events: 700 }])
})

test('the prefix of a table has only Parquet; the CSV under another prefix has a header and the same rows', async () => {
  await archiveRows(folder, object('a'), readings(200, 0, { device_id: 'say "hi", d1' }))
  await reportRows(folder, 'every day')
  const prefix = publishedPrefix('duration-p95', run, 'device', 'parquet')
  expect((await folderArchive(folder).list(prefix)).map(({ key }) => key)).toEqual([`${prefix}2025-11-26.parquet`])
  const csv = await readFile(path.join(folder, publishedKey('duration-p95', run, 'device', 'csv', '2025-11-26')), 'utf8')
  expect(csv).toBe(
    '\ufeffdate,device_id,num_events,kept,mean,stddev,event_duration_p95\n2025-11-26,"say ""hi"", d1",200,200,1.0,0.0,1.0\n',
  )
})
