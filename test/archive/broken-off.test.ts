import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type CompactionDependencies, compactDay, planDays } from '../../lambdas/archive/compact-day.ts'
import { listEvents, readManifest } from '../../lambdas/archive/list-events.ts'
import { DAY_MS } from '../../lambdas/archive/plan-compaction.ts'
import { compactAll, compactionOf, removeArchive, rules } from '../fixtures/reports/compaction.ts'
import { archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'

const DT = '2025-11-26'
const START = Date.UTC(2025, 10, 26)
const END = START + DAY_MS

let folder: string
let clock: number
let dependencies: CompactionDependencies
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-broken-off-'))
  clock = END + 3_600_000
  dependencies = compactionOf(folder, () => clock)
})
afterEach(() => removeArchive(folder))

const readings = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({ event_id: `e${from + n}`, timestamp: START / 1000 + n, event_duration: n }))
const write = (name: string, rows: readonly Row[], hour = 12) =>
  archiveRows(folder, `events/dt=${DT}/hour=${hour}/${name}.parquet`, rows)
const kinds = async () => {
  const bucket = folderArchive(folder)
  return (await listEvents({ bucket, ledger: bucket.ledger })).map(({ kind }) => kind)
}
const currentRun = async () => {
  const { run = '' } = (await dependencies.ledger.day(DT)) ?? {}
  return readManifest(dependencies.bucket, { dt: DT, run })
}

test('a merge in steps that was abandoned leaves nothing to the next one: that has a plan and parts of its own', async () => {
  const small = { ...dependencies, rules: { ...rules, maxBytes: 18_000 } }
  await write('a', readings(0, 50))
  await write('b', readings(40, 20))
  await write('c', readings(60, 20), 13)
  await write('d', readings(80, 10), 13)
  const { next: first } = await compactDay(DT, small)
  const { next: second } = await compactDay(DT, small, first)
  expect(second).toMatchObject({ part: 1, parts: 2 })
  await write('late', readings(90, 10))
  await compactAll(small)
  const { objects, repetitions, identities } = await currentRun()
  expect(objects.map(({ hour, rows }) => [hour, rows])).toEqual([
    ['12', 70],
    ['13', 30],
  ])
  expect([identities.count, repetitions.map(({ rows }) => rows)]).toEqual([100, [10]])
  expect(await kinds()).toEqual(['rows', 'rows', 'repetitions'])
})

test('a day is settled by the time at which its raw objects were listed: what arrives during a merge is read', async () => {
  await write('a', readings(0, 50))
  clock = END + rules.settledAfter - 1
  const openWorkspace = async () => {
    await write('late', readings(50, 10))
    clock += 60_000
    return dependencies.openWorkspace()
  }
  await compactAll({ ...dependencies, openWorkspace })
  expect(await kinds()).toEqual(['rows', 'raw'])
  await compactAll(dependencies)
  expect(await kinds()).toEqual(['rows'])
  expect((await dependencies.ledger.day(DT))?.settled).toBe(true)
})

test('the deletion of an expired day may break off: the raw objects are deleted before the list of their keys', async () => {
  const expiring = { ...dependencies, rules: { ...rules, keepDays: 3 * DAY_MS } }
  await write('a', readings(0, 50))
  await write('b', readings(50, 50))
  await compactAll(expiring)
  clock = END + 3 * DAY_MS
  await compactAll(expiring)
  clock += DAY_MS + 1
  let removals = 0
  const { remove } = dependencies.bucket
  const failing = async (keys: readonly string[]): Promise<void> => {
    if (removals++ > 0) throw new Error('The function has ended.')
    await remove(keys)
  }
  await expect(compactAll({ ...expiring, bucket: { ...dependencies.bucket, remove: failing } })).rejects.toThrow('has ended')
  await compactAll(expiring)
  const left = await Promise.all(['events/', 'archive/', 'repetitions/', 'manifests/'].map(dependencies.bucket.list))
  expect(left.flat()).toEqual([])
  expect(await planDays(expiring)).toEqual([])
})
