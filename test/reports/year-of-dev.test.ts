import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import { openWorkspace } from '../../lambdas/archive/duckdb.ts'
import type { LedgerDay } from '../../lambdas/archive/dynamodb.ts'
import { readManifest } from '../../lambdas/archive/list-events.ts'
import { type Manifest, manifestKey, replacedKey } from '../../lambdas/archive/manifest.ts'
import { DAY_MS } from '../../lambdas/archive/plan-compaction.ts'
import type { ArchiveBucket, StoredObject } from '../../lambdas/archive/s3.ts'
import { duckdbEngine } from '../../lambdas/reports/duckdb-engine.ts'
import { readReportSql } from '../../lambdas/reports/report-sql.ts'
import { runDaily } from '../../lambdas/reports/run-daily.ts'
import { runSnapshot } from '../../lambdas/reports/run-snapshot.ts'
import { reportsFolder } from '../../shared/catalogue.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { millisToMicros } from '../../shared/time.ts'
import { compactFolder } from '../fixtures/reports/compaction.ts'
import { archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'
import { run } from '../fixtures/reports/report-rows.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

// A year of a stage that writes an object a minute, one day before today not yet compacted. Real Parquet objects of one day stand for all
// days, and of one hour for all minutes of it.
const folder = temporaryFolder('year-of-dev')
const START = Date.UTC(2026, 0, 1)
const DAYS = 365
const MINUTES = 1440
const ROWS_PER_OBJECT = 600
const KEYS_PER_REQUEST = 1000
const dtOf = (day: number): string => new Date(START + day * DAY_MS).toISOString().slice(0, 10)
const lastDay = DAYS - 1
const rawKey = (dt: string, minute: number): string =>
  `events/dt=${dt}/hour=${String(Math.floor(minute / 60)).padStart(2, '0')}/${minute}.parquet`

const readings = (day: number, first: number, count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    event_id: `${day}-${first + n}`,
    received: START + day * DAY_MS + first + n,
    device_id: `d${n % 3}`,
    timestamp: (START + day * DAY_MS) / 1000 + ((first + n) % 86_000),
    event_duration: n % 50,
  }))

let template: Manifest
beforeAll(async () => {
  for (let hour = 0; hour < 24; hour++)
    await archiveRows(folder, rawKey(dtOf(lastDay), hour * 60), readings(lastDay, hour * ROWS_PER_OBJECT, ROWS_PER_OBJECT))
  const compacted = path.join(folder, 'compacted')
  await archiveRows(compacted, rawKey(dtOf(0), 0), readings(0, 0, 20_000))
  await compactFolder(compacted, START + 30 * DAY_MS)
  const { bucket, ledger } = { bucket: folderArchive(compacted), ledger: folderArchive(compacted).ledger }
  template = await readManifest(bucket, (await ledger.days())[0] as LedgerDay)
}, 60_000)

/** The manifest of another day: its times are later by as many days. */
function manifestOf(day: number): Manifest {
  const micros = day * DAY_MS * 1000
  const later = (text: string): string => String(BigInt(text) + BigInt(micros))
  const moved = (range: unknown, by: number) => {
    const { least, greatest } = range as { least: number; greatest: number }
    return { least: least + by, greatest: greatest + by }
  }
  const [object] = template.objects
  const { reading } = object?.types ?? {}
  if (!object || !reading) throw new Error('The day has one object with readings.')
  const { reading_timestamp, received_time_us, event_time_us, ...ranges } = object.footer.ranges
  const times = {
    reading_timestamp: moved(reading_timestamp, micros / 1e6),
    received_time_us: moved(received_time_us, micros),
    event_time_us: moved(event_time_us, micros),
  }
  const types = { reading: { ...reading, from: later(reading.from), to: later(reading.to) } }
  const footer = { ...object.footer, ranges: { ...ranges, ...times } }
  const objects = [{ ...object, key: `archive/dt=${dtOf(day)}/r/00000.parquet`, types, footer }]
  return { ...template, dt: dtOf(day), run: 'r', modified: START + (day + 1) * DAY_MS - 1, objects }
}

/** The archive, and how often S3 is asked for what. */
function yearOfDev() {
  const requests = { list: 0, manifests: 0, others: 0, footers: 0, rawDownloads: 0, compactedDownloads: 0 }
  const minutes = Array.from({ length: MINUTES }, (_, minute) => minute)
  const rawOf = (day: number): StoredObject[] =>
    minutes.map(minute => ({
      key: rawKey(dtOf(day), minute),
      size: 40_000,
      modified: START + day * DAY_MS + (minute + 1) * 60_000,
    }))
  const dayOf = (key: string): number => (Date.parse(/dt=([\d-]+)/.exec(key)?.[1] ?? '') - START) / DAY_MS
  const files = folderArchive(folder)
  const fileOf = (key: string): string =>
    path.join(
      folder,
      key.startsWith('events/')
        ? rawKey(dtOf(lastDay), Math.floor(Number(/(\d+)\.parquet/.exec(key)?.[1]) / 60) * 60)
        : `compacted/${template.objects[0]?.key}`,
    )
  const bucket: ArchiveBucket = {
    ...files,
    async list(prefix) {
      const found = rawOf(dayOf(prefix)).filter(({ key }) => key.startsWith(prefix))
      requests.list += Math.ceil(found.length / KEYS_PER_REQUEST)
      return found
    },
    async folders() {
      requests.list += 1
      return Array.from({ length: DAYS }, (_, day) => `dt=${dtOf(day)}`)
    },
    async text(key) {
      const day = dayOf(key)
      const isManifest = key === manifestKey(dtOf(day), 'r')
      requests[isManifest ? 'manifests' : 'others'] += 1
      if (!isManifest) expect(key).toBe(replacedKey(dtOf(day), 'r'))
      return JSON.stringify(isManifest ? manifestOf(day) : rawOf(day).map(object => object.key))
    },
    async footer({ key, size }) {
      requests.footers += 1
      return files.footer({ key: path.relative(folder, fileOf(key)), size })
    },
    async download(key, file) {
      requests[key.startsWith('events/') ? 'rawDownloads' : 'compactedDownloads'] += 1
      await copyFile(fileOf(key), file)
    },
    upload: async () => undefined,
  }
  // Raw objects of a day may arrive for two days after it.
  const ledger = {
    days: async () =>
      Array.from({ length: lastDay }, (_, day) => ({
        ...{ dt: dtOf(day), version: 1, run: 'r', registered: 'r', switched: 0, compacted: 0 },
        ...(day < lastDay - 2 && { settled: true as const }),
      })),
  }
  return { bucket, ledger, requests }
}

async function counted<T>(work: (storage: Parameters<typeof runDaily>[1]) => Promise<T>) {
  const { bucket, ledger, requests } = yearOfDev()
  const workspace = await openWorkspace(path.join(folder, 'scratch'), 1024)
  try {
    return { result: await work({ archive: bucket, ledger, workspace }), requests }
  } finally {
    await workspace.close()
  }
}

test('a daily report over a year opens the objects of the new day, and no footer of a compacted day', async () => {
  const engine = duckdbEngine(readReportSql(reportsFolder, durationP95))
  const since = START + lastDay * DAY_MS
  const daily = { report: durationP95, engine, period: 'days with arrivals', since, near: 'all', run } as const
  const { result, requests } = await counted(storage => runDaily(daily, storage))
  expect(result.publications.map(({ period }) => period)).toEqual([dtOf(lastDay)])
  expect(requests).toEqual({
    // The days below the prefix, and the raw objects of the three days for which some may still arrive.
    list: 1 + 3 * 2,
    manifests: DAYS - 1,
    others: 2,
    footers: MINUTES,
    rawDownloads: MINUTES,
    // Each earlier day may have an earlier arrival of an event of the new day.
    compactedDownloads: DAYS - 1,
  })
}, 300_000)

test('of compacted days without events of the type, nothing is opened', async () => {
  const engine = duckdbEngine(readReportSql(reportsFolder, enrichedActions))
  const at = millisToMicros(START + DAYS * DAY_MS)
  const { requests } = await counted(storage => runSnapshot({ report: enrichedActions, engine, at, run }, storage))
  expect(requests).toMatchObject({ footers: MINUTES, rawDownloads: 0, compactedDownloads: 0 })
}, 300_000)
