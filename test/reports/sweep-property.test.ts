import fc from 'fast-check'
import { archiveBucket } from '../../lambdas/archive/s3.ts'
import { reportsTable } from '../../lambdas/reports/dynamodb.ts'
import type { Keep } from '../../lambdas/reports/plan-sweep.ts'
import { publish } from '../../lambdas/reports/publish.ts'
import { sweep } from '../../lambdas/reports/sweep.ts'
import { newestSnapshot, type Publication, partKey, publishedKey, type Report, runId } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { formatInstant, millisToMicros } from '../../shared/time.ts'
import { reportsStores } from '../fakes/reports-stores.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const START = Date.parse('2026-01-31T00:10:00Z')
const keep: Keep = { runs: 3, days: 5 }

/** Thrown at a call of a store: the function ends there. */
class Crash extends Error {}

/** The real table, bucket and sweep of a report over stores in memory, with a clock and an invocation that may end at any call. */
class History {
  now = START
  /** Calls that the current invocation may still make. */
  private callsLeft = Number.POSITIVE_INFINITY
  private readonly stores = reportsStores(
    () => this.now,
    () => {
      if (this.callsLeft-- <= 0) throw new Crash()
    },
  )
  private readonly table = reportsTable('table', this.stores.dynamodb)
  private readonly archive = archiveBucket('bucket', this.stores.s3)
  /** The keys of everything that was published, with the last time at which it was. */
  private readonly lastPublished = new Map<string, number>()
  readonly report: Report
  private runs = 0

  constructor(report: Report) {
    this.report = report
  }

  /** Runs a part of an invocation that ends at its `calls`th call. */
  private async invoke(calls: number, work: () => Promise<unknown>): Promise<void> {
    this.callsLeft = calls
    await work().catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error
    })
    this.callsLeft = Number.POSITIVE_INFINITY
    await this.observe()
  }

  /** A run of a minute: uploads its objects, then publishes. Sweeps may happen between the two. */
  async run({ periods, calls, between }: { periods: readonly string[]; calls: number; between: number }): Promise<void> {
    const run = runId(this.now, String(this.runs++).padStart(8, '0'))
    const keys = periods.flatMap(period => this.keysOf({ run, period }))
    await this.invoke(calls, async () => {
      for (const Key of keys) await this.upload(Key)
    })
    if (calls < keys.length) return
    this.now += MINUTE
    if (between >= 0) await this.sweep(between)
    for (const key of keys) expect(this.stores.objects.has(key)).toBe(true)
    await this.invoke(calls - keys.length, () =>
      publish(
        this.report,
        periods.map(period => ({ period, run, rows: { 0: 1 } })),
        this.table,
      ),
    )
  }

  private upload(key: string): Promise<void> {
    return this.archive.upload('package.json', key, 'text/csv')
  }

  sweep(calls: number): Promise<void> {
    return this.invoke(calls, () => sweep(this.report, { now: this.now, keep }, { archive: this.archive, table: this.table }))
  }

  /** The objects of a publication. */
  private keysOf({ run, period }: Publication): string[] {
    const { name, kind } = this.report
    return (['parquet', 'csv'] as const).flatMap(format =>
      kind === 'daily' ? [publishedKey(name, run, 'type', format, period)] : [0, 1].map(part => partKey(name, run, format, part)),
    )
  }

  /** Nothing that is published, or was within a day, is without its objects. */
  private async observe(): Promise<void> {
    for (const publication of await this.published())
      for (const key of this.keysOf(publication)) this.lastPublished.set(key, this.now)
    for (const [key, last] of this.lastPublished)
      if (this.now - last <= DAY) expect([key, this.stores.objects.has(key)]).toEqual([key, true])
  }

  published(): Promise<Publication[]> {
    return this.table.published(this.report.name)
  }

  get keys(): string[] {
    return [...this.stores.objects.keys()].sort()
  }

  get notes(): string[] {
    return [...this.stores.items.values()].flatMap(({ run }) => (run?.S?.startsWith('unpublished#') ? [run.S] : []))
  }

  async keysOfPublished(): Promise<string[]> {
    return (await this.published()).flatMap(publication => this.keysOf(publication)).sort()
  }
}

/** At which call an invocation ends: mostly at none. */
const calls = fc.oneof({ weight: 3, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.nat({ max: 14 }) })

const step = fc.record({
  /** Time that passes before. */
  hours: fc.constantFrom(0, 1, 3, 3, 3, 12, 23, 24, 25, 72),
  /** For instants: hours between the instant and the run. For days: how many days before the run. */
  ages: fc.uniqueArray(fc.constantFrom(0, 1, 2, 3, 50, -9), { minLength: 1, maxLength: 3 }),
  calls,
  /** The calls of a sweep while the run is active; -1 for none. */
  between: fc.oneof(fc.constant(-1), calls),
  /** The calls of a sweep after the run; -1 for none. */
  after: fc.oneof(fc.constant(-1), calls),
})

const periodsOf = (report: Report, now: number, ages: readonly number[]): string[] =>
  report.kind === 'daily'
    ? ages.map(age => new Date(now - age * DAY).toISOString().slice(0, 10))
    : [formatInstant(millisToMicros(now - (ages[0] ?? 0) * HOUR))]

test.each([durationP95, enrichedActions])(
  'after any history of $name nothing is deleted that is published, was within a day, or belongs to an active run',
  async report => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
        const history = new History(report)
        for (const { hours, ages, calls: made, between, after } of steps) {
          history.now += hours * HOUR
          const before = newestSnapshot(await history.published())
          await history.run({ periods: periodsOf(report, history.now, ages), calls: made, between })
          if (after >= 0) await history.sweep(after)
          if (report.kind === 'snapshot' && before) expect(await history.published()).not.toEqual([])
        }
        await settle(history)
      }),
      { numRuns: 100 },
    )
  },
)

/** After sweeps without crashes only published objects are left, of instants only the last runs and the newest, and a sweep changes nothing. */
async function settle(history: History): Promise<void> {
  await history.sweep(1000)
  const newest = newestSnapshot(await history.published())
  for (let days = 0; days < keep.days + 3; days++) {
    history.now += DAY + MINUTE
    await history.sweep(1000)
  }
  const [keys, published] = [history.keys, await history.published()]
  expect(keys).toEqual(await history.keysOfPublished())
  expect(newestSnapshot(published)).toEqual(newest)
  if (history.report.kind === 'snapshot') expect(published.length).toBeLessThanOrEqual(keep.runs + 1)
  history.now += MINUTE
  await history.sweep(1000)
  expect([history.keys, await history.published(), history.notes]).toEqual([keys, published, []])
}

test('of runs every three hours over ten days the last ones and the last of each day are kept', async () => {
  const history = new History(enrichedActions)
  for (let n = 0; n < 80; n++) {
    history.now = START + n * 3 * HOUR
    await history.run({ periods: periodsOf(enrichedActions, history.now, [0]), calls: 1000, between: -1 })
    await history.sweep(1000)
  }
  const instants = (await history.published()).map(({ period }) => period)
  expect(instants).toEqual([
    '2026-02-09T21:10:00Z',
    '2026-02-09T18:10:00Z',
    '2026-02-09T15:10:00Z',
    '2026-02-08T21:10:00Z',
    '2026-02-07T21:10:00Z',
    '2026-02-06T21:10:00Z',
    '2026-02-05T21:10:00Z',
  ])
  // What was withdrawn within the last days is still there for its readers.
  expect(history.keys.length).toBeGreaterThan(instants.length * 4)
  expect(history.keys.length).toBeLessThan(30 * 4)
})
