import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { CompactionDependencies } from '../../lambdas/archive/compact-day.ts'
import { listEvents, readManifest } from '../../lambdas/archive/list-events.ts'
import type { Manifest } from '../../lambdas/archive/manifest.ts'
import { DAY_MS } from '../../lambdas/archive/plan-compaction.ts'
import type { ArchiveBucket } from '../../lambdas/archive/s3.ts'
import { compactAll, compactionOf, removeArchive, rules } from '../fixtures/reports/compaction.ts'
import { archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'

const DT = '2025-11-26'
const START = Date.UTC(2025, 10, 26)
/** A compacted object is split when its inputs have more than 128 MiB. */
const LARGE = 100 * 2 ** 20

let folder: string
let dependencies: CompactionDependencies
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-objects-'))
  dependencies = compactionOf(folder, () => START + 2 * DAY_MS)
})
afterEach(() => removeArchive(folder))

/** Readings of nine devices, in an order that is not that of a compacted object. */
const readings = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    event_id: `e${from + n}`,
    device_id: `d${((from + n) * 7) % 9}`,
    timestamp: START / 1000 + 1000 - n,
    event_duration: n,
  }))
const write = (name: string, rows: readonly Row[], hour = 12) =>
  archiveRows(folder, `events/dt=${DT}/hour=${hour}/${name}.parquet`, rows)

/** The archive with raw objects that count as large. */
function largeBucket(): ArchiveBucket {
  const bucket = folderArchive(folder)
  const list = async (prefix: string) =>
    (await bucket.list(prefix)).map(object => (object.key.startsWith('events/') ? { ...object, size: LARGE } : object))
  return { ...bucket, list }
}

async function compactLarge(maxBytes = Number.POSITIVE_INFINITY): Promise<Manifest> {
  await compactAll({ ...dependencies, bucket: largeBucket(), rules: { ...rules, maxBytes } })
  return manifestOf()
}

async function manifestOf(): Promise<Manifest> {
  const { run = '' } = (await dependencies.ledger.day(DT)) ?? {}
  return readManifest(dependencies.bucket, { dt: DT, run })
}

/** The rows of stored objects, in their order in the objects. */
async function storedRows(objects: Manifest['objects']): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const rows: string[] = []
  for (const { key } of objects) {
    const file = path.join(folder, key)
    const read = await connection.runAndReadAll(`SELECT subject, event_time_us, event_id FROM read_parquet('${file}')`)
    rows.push(...read.getRowsJson().map(row => JSON.stringify(row)))
  }
  connection.closeSync()
  instance.closeSync()
  return rows
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1)

test('the rows of a large day are split over several objects in their order, each with its own ranges, and no identity is lost or doubled', async () => {
  await write('a', readings(0, 60))
  await write('b', readings(50, 41))
  await write('c', readings(0, 10))
  const { objects, repetitions, identities } = await compactLarge()
  expect(objects.map(({ key, rows }) => [nameOf(key), rows])).toEqual([
    ['00000.parquet', 31],
    ['00001.parquet', 31],
    ['00002.parquet', 29],
  ])
  expect(repetitions.map(({ rows }) => rows)).toEqual([20])
  expect(identities.count).toBe(91)
  const rows = await storedRows(objects)
  expect(rows).toHaveLength(91)
  expect(rows).toEqual(rows.toSorted())
  for (const object of objects) {
    const times = (await storedRows([object])).map(row => BigInt(JSON.parse(row)[1]))
    const [from, to] = [times.reduce((a, b) => (a < b ? a : b)), times.reduce((a, b) => (a > b ? a : b))]
    expect(object.types).toEqual({ reading: { rows: object.rows, from: String(from), to: String(to) } })
  }
})

test('several objects have the same identities as one, also after a straggler has merged them again', async () => {
  await write('a', readings(0, 60))
  await write('b', readings(50, 40))
  const { identities } = await compactLarge()
  await write('late', readings(80, 20))
  await compactAll(dependencies)
  const one = await manifestOf()
  expect(one.objects).toHaveLength(1)
  expect([one.identities.count, one.repetitions.map(({ rows }) => rows)]).toEqual([100, [20]])
  expect(identities.count).toBe(90)
  const rows = await storedRows(one.objects)
  await removeArchive(folder)
  dependencies = compactionOf(folder, () => START + 2 * DAY_MS)
  await write('a', readings(0, 60))
  await write('b', readings(50, 40))
  await write('late', readings(80, 20))
  const several = await compactLarge()
  expect(several.objects).toHaveLength(3)
  expect(several.identities).toEqual(one.identities)
  expect(await storedRows(several.objects)).toEqual(rows)
})

test('an hour of a large day may have several objects, which are copied together when another hour is merged again', async () => {
  await write('a', readings(0, 30))
  await write('b', readings(30, 30))
  await write('c', readings(60, 30), 13)
  const twoHours = 2.5 * LARGE
  const before = await compactLarge(twoHours)
  const names = ['12-00000.parquet', '12-00001.parquet', '13-00000.parquet']
  expect(before.objects.map(({ key }) => nameOf(key))).toEqual(names)
  await write('late', readings(90, 10), 14)
  const after = await compactLarge(twoHours)
  expect(after.objects.map(({ key }) => nameOf(key))).toEqual([...names, '14-00000.parquet'])
  expect(await storedRows(after.objects.slice(0, 3))).toEqual(await storedRows(before.objects))
  expect(after.identities.count).toBe(100)
  const bucket = folderArchive(folder)
  expect((await listEvents({ bucket, ledger: bucket.ledger })).map(({ key }) => key)).toEqual(after.objects.map(({ key }) => key))
})
