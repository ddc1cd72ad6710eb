import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type CompactionDependencies, compactDay, planDays } from '../../lambdas/archive/compact-day.ts'
import { compactJob } from '../../lambdas/archive/compact-job.ts'
import { fromStored, readFooter } from '../../lambdas/archive/footer.ts'
import { listEvents, readManifest } from '../../lambdas/archive/list-events.ts'
import { DAY_MS } from '../../lambdas/archive/plan-compaction.ts'
import { compactAll, compactionOf, partitionsInMemory, removeArchive, rules } from '../fixtures/reports/compaction.ts'
import { archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'

const DT = '2025-11-26'
const START = Date.UTC(2025, 10, 26)
const END = START + DAY_MS

let folder: string
let clock: number
let dependencies: CompactionDependencies
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-compaction-'))
  clock = END + 3_600_000
  dependencies = compactionOf(folder, () => clock)
})
afterEach(() => removeArchive(folder))

const readings = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({ event_id: `e${from + n}`, timestamp: START / 1000 + n, event_duration: n }))
const write = (name: string, rows: readonly Row[], dt = DT, hour = 12) =>
  archiveRows(folder, `events/dt=${dt}/hour=${hour}/${name}.parquet`, rows)

async function compact(over: Partial<CompactionDependencies> = {}): Promise<void> {
  await compactAll({ ...dependencies, ...over })
}
const objects = async () => {
  const bucket = folderArchive(folder)
  return listEvents({ bucket, ledger: bucket.ledger })
}
const kinds = async () => (await objects()).map(({ kind }) => kind)

test('a day is compacted an hour after its end: rows once, repetitions beside them, both described by the manifest', async () => {
  await write('a', readings(0, 100))
  await write('b', readings(90, 20))
  clock -= 1
  await compact()
  expect(await kinds()).toEqual(['raw', 'raw'])
  clock += 1
  await compact()
  expect(await kinds()).toEqual(['rows', 'repetitions'])
  const [day] = await dependencies.ledger.days()
  const manifest = await readManifest(dependencies.bucket, { dt: DT, run: day?.run ?? '' })
  const type = { from: String(BigInt(START) * 1000n), to: String(BigInt(START + 99_000) * 1000n) }
  expect(manifest).toMatchObject({ replaced: 2, identities: { count: 110 } })
  expect(manifest.objects.map(({ rows, types }) => ({ rows, types }))).toEqual([
    { rows: 110, types: { reading: { rows: 110, ...type } } },
  ])
  expect(manifest.repetitions.map(({ rows }) => rows)).toEqual([10])
})

test('the manifest has what the footers of the objects say', async () => {
  await write('a', readings(0, 100))
  await write('b', readings(90, 20))
  await compact()
  const [day] = await dependencies.ledger.days()
  const { objects: rows, repetitions } = await readManifest(dependencies.bucket, { dt: DT, run: day?.run ?? '' })
  for (const { key, bytes, footer } of [...rows, ...repetitions]) {
    const opened = readFooter(await dependencies.bucket.footer({ key, size: bytes }), Object.keys(footer.ranges))
    expect(fromStored(footer)).toEqual(opened)
    expect(footer.ranges).toMatchObject({ reading_timestamp: { least: expect.any(Number) }, page_visit_id: 'none' })
  }
})

test('the sum of the identities does not depend on how the rows are distributed, and differs for other rows', async () => {
  const sums = async (dt: string) =>
    (await readManifest(dependencies.bucket, { dt, run: (await dependencies.ledger.day(dt))?.run ?? '' })).identities
  clock = END + 10 * DAY_MS
  await write('a', readings(0, 30))
  await write('b', readings(30, 30), '2025-11-27')
  await write('c', readings(0, 30), '2025-11-27')
  await write('d', readings(0, 60), '2025-11-28')
  await compact()
  expect(await sums('2025-11-28')).toEqual(await sums('2025-11-27'))
  expect(await sums('2025-11-28')).not.toEqual(await sums(DT))
})

test('a reader that pauses anywhere during a compaction sees every row once, also if the compaction ends meanwhile', async () => {
  await write('a', readings(0, 50))
  await write('b', readings(40, 20))
  for (let pause = 1; pause <= 6; pause++) {
    let calls = 0
    const bucket = folderArchive(folder)
    const pausing =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        calls += 1
        if (calls === pause) await compact()
        return call(...args)
      }
    const found = await listEvents({
      bucket: { list: pausing(bucket.list), folders: pausing(bucket.folders), text: pausing(bucket.text) },
      ledger: { days: pausing(bucket.ledger.days) },
    })
    expect([
      ['raw', 'raw'],
      ['rows', 'repetitions'],
      ['rows', 'repetitions', 'raw'],
    ]).toContainEqual(found.map(({ kind }) => kind))
    for (const { key } of found) expect(await bucket.open(key)).toBeDefined()
    await write(`late-${pause}`, readings(60 + pause, 1))
  }
})

test('raw objects are deleted when the day is settled, its run in all tables, and their time is over; the day needs no more visits', async () => {
  await write('a', readings(0, 50))
  await compact()
  const rawKeys = async () => (await dependencies.bucket.list('events/')).map(({ key }) => key)
  clock = END + rules.keepRaw
  await compact()
  expect(await rawKeys()).toHaveLength(1)
  const failing = { point: async () => Promise.reject(new Error('Glue is down')), remove: async () => undefined }
  clock = END + rules.keepRaw + DAY_MS
  await write('late', readings(50, 1))
  await expect(compact({ partitions: failing })).rejects.toThrow('Glue is down')
  expect(await kinds()).toEqual(['rows'])
  clock += rules.keepRaw + DAY_MS
  await expect(compact({ partitions: failing })).rejects.toThrow('Glue is down')
  expect(await rawKeys()).toHaveLength(2)
  await compact()
  expect(await rawKeys()).toEqual([])
  expect(await kinds()).toEqual(['rows'])
  expect(await planDays(dependencies)).toEqual([])
})

test('a raw object that arrives after everything of its day was deleted is merged by the next compaction', async () => {
  await write('a', readings(0, 50))
  await compact()
  clock = END + rules.settledAfter
  await compact()
  clock += rules.keepRaw + DAY_MS
  await compact()
  expect(await dependencies.ledger.day(DT)).toMatchObject({ finished: true })
  await write('very-late', readings(50, 1))
  await compact()
  const { run = '' } = (await dependencies.ledger.day(DT)) ?? {}
  expect(await readManifest(dependencies.bucket, { dt: DT, run })).toMatchObject({ identities: { count: 51 } })
  clock += rules.keepRaw + 2 * DAY_MS
  await compact()
  expect(await dependencies.bucket.list('events/')).toEqual([])
  expect(await kinds()).toEqual(['rows'])
  expect(await planDays(dependencies)).toEqual([])
})

test('a compacted day expires: readers do not see it, and its objects are deleted a day later', async () => {
  const tables = { archive: new Map<string, string>(), repetitions: new Map<string, string>() }
  const expiring = { partitions: partitionsInMemory(tables), rules: { ...rules, keepDays: 30 * DAY_MS } }
  await write('a', readings(0, 50))
  await write('b', readings(0, 50))
  await compact(expiring)
  expect([...tables.archive]).toEqual([[DT, (await dependencies.ledger.day(DT))?.run]])
  clock = END + 30 * DAY_MS
  await compact(expiring)
  expect(await kinds()).toEqual([])
  expect(await dependencies.bucket.list('archive/')).toHaveLength(1)
  await compact(expiring)
  expect([...tables.archive, ...tables.repetitions]).toEqual([])
  clock += DAY_MS + 1
  await compact(expiring)
  const left = await Promise.all(
    ['events/', 'archive/', 'repetitions/', 'manifests/'].map(prefix => dependencies.bucket.list(prefix)),
  )
  expect(left.flat()).toEqual([])
  expect(await planDays({ ...dependencies, ...expiring })).toEqual([])
})

const SMALL = { rules: { ...rules, maxBytes: 12_000 } }
const rowsByHour = async () => {
  const { run = '' } = (await dependencies.ledger.day(DT)) ?? {}
  const { objects, repetitions, identities } = await readManifest(dependencies.bucket, { dt: DT, run })
  const sizes = (some: typeof objects) => some.map(({ hour, rows }) => [hour, rows])
  return { rows: sizes(objects), repetitions: sizes(repetitions), identities }
}

test('a day that is too large for the disk is compacted by hours; a straggler merges its hour, and the others are copied', async () => {
  await write('a', readings(0, 50))
  await write('b', readings(40, 20))
  await write('c', readings(0, 30), DT, 13)
  expect(await compactAll({ ...dependencies, ...SMALL })).toMatchObject([
    {},
    {},
    {},
    { 'days compacted': 1, 'objects before': 3, 'objects after': 3 },
  ])
  const identities = { count: 90, sum: expect.any(String) }
  expect(await rowsByHour()).toEqual({
    rows: [
      ['12', 60],
      ['13', 30],
    ],
    repetitions: [['12', 10]],
    identities,
  })
  await write('late', readings(100, 5), DT, 13)
  const before = folderArchive(folder)
  await compactAll({ ...dependencies, ...SMALL, bucket: before })
  expect(await rowsByHour()).toEqual({
    rows: [
      ['12', 60],
      ['13', 35],
    ],
    repetitions: [['12', 10]],
    identities: { ...identities, count: 95 },
  })
  expect(before.downloads.filter(key => key.includes('/12-'))).toEqual([])
  clock = END + rules.keepRaw + 3 * DAY_MS
  await compact(SMALL)
  await compact(SMALL)
  clock += 2 * DAY_MS
  await compact(SMALL)
  expect([await dependencies.bucket.list('events/'), await kinds()]).toEqual([[], ['rows', 'rows', 'repetitions']])
  expect(await planDays(dependencies)).toEqual([])
})

test('a day with an hour that is too large for the disk stays raw, and is read like any other', async () => {
  await write('a', readings(0, 50))
  const small = { rules: { ...rules, maxBytes: 10 } }
  expect(await compactDay(DT, { ...dependencies, ...small })).toEqual({ counts: { 'days too large': 1 } })
  expect(await kinds()).toEqual(['raw'])
})

test('a day that was compacted as a whole stays so: a straggler for which the disk has no room stays raw', async () => {
  await write('a', readings(0, 50))
  await compact()
  await write('late', readings(50, 10))
  expect(await compactAll({ ...dependencies, rules: { ...rules, maxBytes: 10 } })).toEqual([{ 'days too large': 1 }])
  expect(await kinds()).toEqual(['rows', 'raw'])
})

test('a merge in steps is continued by its plan: what arrives meanwhile is left to the next run', async () => {
  await write('a', readings(0, 50))
  await write('b', readings(50, 50))
  await write('c', readings(100, 50), DT, 13)
  const small = { ...dependencies, ...SMALL }
  const { next } = await compactDay(DT, small)
  await write('late', readings(150, 5), DT, 13)
  await compactAll(small, new Map(next && [[DT, next]]))
  expect(await kinds()).toEqual(['rows', 'rows', 'raw'])
  expect((await rowsByHour()).identities.count).toBe(150)
})

test('a day that cannot be compacted is skipped and counted, and the next one follows', () => {
  const { skip } = compactJob(dependencies)
  const counts = { 'days failed': 1 }
  expect(skip?.({ days: [DT, '2025-11-27'], visited: 1 })).toEqual({
    ...{ cursor: { days: ['2025-11-27'], visited: 2 }, done: 2, total: 3, counts },
  })
  expect(skip?.({ days: [DT], visited: 2 })).toEqual({ cursor: null, done: 3, total: 3, counts })
})
