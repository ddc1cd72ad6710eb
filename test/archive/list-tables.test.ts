import type { LedgerDay } from '../../lambdas/archive/dynamodb.ts'
import { listTables } from '../../lambdas/archive/list-tables.ts'
import { replacedKey } from '../../lambdas/archive/manifest.ts'

const WRITTEN = 1000
const raw = (dt: string, name: string, modified = WRITTEN) => ({
  key: `events/dt=${dt}/hour=00/${name}.parquet`,
  size: 10,
  modified,
})
const compacted = (dt: string, changes: Partial<LedgerDay> = {}): LedgerDay => ({
  ...{ dt, version: 1, run: 'r', switched: WRITTEN, compacted: WRITTEN, registered: 'r' },
  ...changes,
})

/** The tables of an archive with these raw objects and days of the ledger; every run replaces the raw object `a` of its day. */
const tablesOf = (objects: readonly ReturnType<typeof raw>[], days: readonly LedgerDay[], since = WRITTEN + 1) =>
  listTables(
    {
      bucket: {
        list: async prefix => objects.filter(({ key }) => key.startsWith(prefix)),
        folders: async () => [...new Set(objects.map(({ key }) => key.split('/')[1] ?? ''))],
        text: async key => {
          const day = days.find(({ dt, registered = '' }) => key === replacedKey(dt, registered))
          return JSON.stringify([raw(day?.dt ?? '', 'a').key])
        },
      },
      ledger: { days: async () => [...days] },
    },
    since,
  )

test('a day that is not compacted is read from the raw table', async () => {
  expect(await tablesOf([raw('2026-01-01', 'a')], [])).toEqual([{ dt: '2026-01-01', raw: true, compacted: false, isNew: false }])
})

test('a compacted day is read from the compacted tables as soon as their partitions are registered', async () => {
  const { registered: _, ...unregistered } = compacted('2026-01-01')
  const objects = [raw('2026-01-01', 'a')]
  expect(await tablesOf(objects, [unregistered])).toMatchObject([{ raw: true, compacted: false }])
  expect(await tablesOf(objects, [compacted('2026-01-01')])).toMatchObject([{ raw: false, compacted: true }])
})

test('it is read from the raw table too while the registered run lacks a raw object', async () => {
  const objects = [raw('2026-01-01', 'a'), raw('2026-01-01', 'straggler')]
  expect(await tablesOf(objects, [compacted('2026-01-01')])).toMatchObject([{ raw: true, compacted: true }])
  // The next run has it, but its partitions are not registered yet.
  expect(await tablesOf(objects, [compacted('2026-01-01', { run: 's' })])).toMatchObject([{ raw: true, compacted: true }])
})

test('of a settled day nothing is listed, and of an expired one nothing is read', async () => {
  const objects = [raw('2026-01-01', 'late'), raw('2026-01-02', 'late')]
  const days = [compacted('2026-01-01', { settled: true }), compacted('2026-01-02', { expired: 1 })]
  expect(await tablesOf(objects, days)).toEqual([{ dt: '2026-01-01', raw: false, compacted: true, isNew: false }])
})

test('a day is new if one of its raw objects is, or if it was compacted meanwhile', async () => {
  const objects = [raw('2026-01-01', 'a'), raw('2026-01-01', 'b', 5000), raw('2026-01-02', 'a')]
  const days = [compacted('2026-01-03', { settled: true, switched: 5000 }), compacted('2026-01-04', { settled: true })]
  expect((await tablesOf(objects, days, 5000)).map(({ dt, isNew }) => [dt, isNew])).toEqual([
    ['2026-01-01', true],
    ['2026-01-02', false],
    ['2026-01-03', true],
    ['2026-01-04', false],
  ])
})
