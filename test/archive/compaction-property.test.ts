import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import type { CompactionDependencies } from '../../lambdas/archive/compact-day.ts'
import { listEvents, readManifest } from '../../lambdas/archive/list-events.ts'
import type { MergeCursor } from '../../lambdas/archive/merge-day.ts'
import { DAY_MS } from '../../lambdas/archive/plan-compaction.ts'
import { compactAll, compactionOf, removeArchive } from '../fixtures/reports/compaction.ts'
import { archiveRows, folderArchive, type Row } from '../fixtures/reports/folder-archive.ts'

const START = Date.UTC(2025, 10, 26)
const MINUTE = 60_000

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-compaction-'))
})
afterEach(() => removeArchive(folder))

/** All rows that readers find, as text, sorted. */
async function rowsOf(folder: string): Promise<string[]> {
  const bucket = folderArchive(folder)
  const objects = await listEvents({ bucket, ledger: bucket.ledger })
  if (objects.length === 0) return []
  const files = objects.map(({ key }) => `'${path.join(folder, key)}'`).join(', ')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const read = await connection.runAndReadAll(
    `SELECT event_id, subject, event_time_us, received_time_us, reading_event_duration FROM read_parquet([${files}], union_by_name = true, hive_partitioning = false)`,
  )
  const rows = read.getRowsJson().map(row => JSON.stringify(row))
  connection.closeSync()
  instance.closeSync()
  return rows.sort()
}

/** The dependencies, whose `call`-th call from now on ends everything, before or after it is carried out. Later calls do nothing. */
function killedAt(dependencies: CompactionDependencies, call: number, after: boolean) {
  let calls = 0
  let isDead = false
  let die: () => void = () => undefined
  const death = new Promise<'killed'>(resolve => {
    die = () => resolve('killed')
  })
  const never = new Promise<never>(() => undefined)
  const wrapped = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return async (...args: unknown[]) => {
          if (isDead) return never
          calls += 1
          if (calls !== call) return method.apply(target, args)
          isDead = true
          if (after) await method.apply(target, args)
          die()
          return never
        }
      },
    })
  const { bucket, ledger, partitions } = dependencies
  return {
    dependencies: { ...dependencies, bucket: wrapped(bucket), ledger: wrapped(ledger), partitions: wrapped(partitions) },
    death,
    calls: () => calls,
  }
}

const reading = (id: number, copy: number, at: number): Row => ({
  event_id: `e${id}`,
  source: 's',
  received: START + at * MINUTE + copy,
  device_id: `d${id % 3}`,
  timestamp: START / 1000 + id - copy,
  event_duration: id + copy / 8,
})

/** Deliveries: some events several times, in objects of several hours and two days; the last object comes later than the others. */
const objects = fc.array(
  fc.record({
    day: fc.integer({ min: 26, max: 27 }),
    ids: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 }),
  }),
  { minLength: 4, maxLength: 10 },
)
/** Whether days are too large for one step, and whether the job forgets where it was after a kill, as after a cancel. */
const byHour = fc.record({ isByHour: fc.boolean(), forgets: fc.boolean() })
/** Two compacted objects and a straggler, each of about 5 KB. */
const BYTES_OF_AN_HOUR = 18_000
const kills = fc.array(fc.record({ call: fc.integer({ min: 1, max: 25 }), after: fc.boolean() }), { maxLength: 6 })

test('a compaction that is killed at any call, with a straggler, and the deletion of raw objects later: readers have every delivery once at any time', async () => {
  let killed = 0
  let daysByHour = 0
  await fc.assert(
    fc.asyncProperty(objects, kills, fc.boolean(), byHour, async (written, deaths, isLate, { isByHour, forgets }) => {
      await removeArchive(folder)
      folder = await mkdtemp(path.join(tmpdir(), 'millrace-compaction-'))
      let copies = 0
      const write = ({ day, ids }: (typeof written)[number], at: number, name = at) =>
        archiveRows(
          folder,
          `events/dt=2025-11-${day}/hour=${String(at).padStart(2, '0')}/${name}.parquet`,
          ids.map(id => reading(id, copies++, at)),
        )
      const [straggler, ...others] = written
      for (const [at, object] of others.entries()) await write(object, at)
      let clock = START + 2 * DAY_MS + 120 * MINUTE
      const whole = compactionOf(folder, () => clock)
      const dependencies = isByHour ? { ...whole, rules: { ...whole.rules, maxBytes: BYTES_OF_AN_HOUR } } : whole
      const cursors = new Map<string, MergeCursor>()
      let expected = await rowsOf(folder)
      const left = [...deaths]
      const compact = async (): Promise<void> => {
        for (;;) {
          const next = left.shift()
          const run = killedAt(dependencies, next?.call ?? Number.POSITIVE_INFINITY, next?.after ?? false)
          const work = (async () => {
            await compactAll(run.dependencies, cursors)
            return 'done'
          })()
          const outcome = await Promise.race([work, run.death])
          expect(await rowsOf(folder)).toEqual(expected)
          clock += 20 * MINUTE
          if (outcome === 'done') return
          killed += 1
          if (forgets) cursors.clear()
        }
      }
      await compact()
      if (straggler) {
        await write(straggler, 0, isLate ? 99 : 1)
        expected = await rowsOf(folder)
      }
      for (const days of [0, 1, 2, 6, 10, 12]) {
        clock = START + (3 + days) * DAY_MS + 2 * 60 * MINUTE
        await compact()
      }
      const bucket = folderArchive(folder)
      expect((await bucket.ledger.days()).map(({ finished }) => finished)).toEqual((await bucket.ledger.days()).map(() => true))
      expect(await bucket.list('events/')).toEqual([])
      const days = await bucket.ledger.days()
      const manifests = await Promise.all(days.map(day => readManifest(bucket, day)))
      daysByHour += manifests.filter(manifest => manifest.objects.some(({ hour }) => hour !== undefined)).length
      const current = days.map(({ run }) => run)
      const stored = await Promise.all(['archive/', 'repetitions/', 'manifests/'].map(prefix => bucket.list(prefix)))
      expect(stored.flat().filter(({ key }) => !current.some(run => key.includes(run)))).toEqual([])
    }),
    { numRuns: 25, endOnFailure: true },
  )
  expect(killed).toBeGreaterThan(20)
  expect(daysByHour).toBeGreaterThan(0)
}, 300_000)
