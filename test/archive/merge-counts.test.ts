import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { CompactionDependencies } from '../../lambdas/archive/compact-day.ts'
import { DAY_MS } from '../../lambdas/archive/plan-compaction.ts'
import { compactAll, compactionOf, removeArchive, rules } from '../fixtures/reports/compaction.ts'
import { archiveRows, type Row } from '../fixtures/reports/folder-archive.ts'

const DT = '2025-11-26'
const START = Date.UTC(2025, 10, 26)

let folder: string
let dependencies: CompactionDependencies
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-counts-'))
  dependencies = compactionOf(folder, () => START + 2 * DAY_MS)
})
afterEach(() => removeArchive(folder))

const readings = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({ event_id: `e${from + n}`, timestamp: START / 1000 + n, event_duration: n }))
const write = (name: string, rows: readonly Row[], hour = 12) =>
  archiveRows(folder, `events/dt=${DT}/hour=${hour}/${name}.parquet`, rows)

const sizes = async (prefixes: readonly string[]): Promise<number[]> =>
  (await Promise.all(prefixes.map(prefix => dependencies.bucket.list(prefix)))).flat().map(({ size }) => size)
const amount = (when: string, stored: readonly number[]) => ({
  [`objects ${when}`]: stored.length,
  [`bytes ${when}`]: stored.reduce((sum, size) => sum + size, 0),
})

test('a merge at once counts its raw objects and those of the run before, and the objects of the run', async () => {
  await write('a', readings(0, 50))
  await write('b', readings(40, 20))
  const raw = await sizes(['events/'])
  const first = await compactAll(dependencies)
  const compacted = await sizes(['archive/', 'repetitions/'])
  expect(first).toEqual([{ 'days compacted': 1, ...amount('before', raw), ...amount('after', compacted) }])
  await write('late', readings(100, 5))
  const late = await sizes([`events/dt=${DT}/hour=12/late`])
  expect(await compactAll(dependencies)).toMatchObject([{ 'days compacted': 1, ...amount('before', [...compacted, ...late]) }])
  expect(await compactAll(dependencies)).toEqual([{}])
})

test('a merge by hours counts all parts, also those that are copied, once with the last step', async () => {
  await write('a', readings(0, 50))
  await write('b', readings(50, 50))
  await write('c', readings(100, 50), 13)
  await compactAll({ ...dependencies, rules: { ...rules, maxBytes: 12_000 } })
  const compacted = await sizes(['archive/', 'repetitions/'])
  await write('late', readings(150, 5), 13)
  const late = await sizes([`events/dt=${DT}/hour=13/late`])
  const counts = await compactAll({ ...dependencies, rules: { ...rules, maxBytes: 12_000 } })
  const before = amount('before', [...compacted, ...late])
  expect(counts).toMatchObject([{}, {}, {}, { 'days compacted': 1, ...before, 'objects after': 2 }])
  expect(counts.slice(0, -1)).toEqual([{}, {}, {}])
})
