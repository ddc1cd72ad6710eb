import pLimit from 'p-limit'
import { type DailyReport, type Report, unloadPrefix } from '../../shared/report.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { sqlString } from '../archive/duckdb.ts'
import { listTables } from '../archive/list-tables.ts'
import type { Athena } from './athena.ts'
import { type AthenaArchive, athenaQuery, daysQuery } from './athena-query.ts'
import { checkWhole, firstWholeDay } from './kept-days.ts'
import type { SkippedDays } from './plan-run.ts'
import type { RunDependencies } from './publish.ts'
import { noRows } from './published-query.ts'
import type { Computed, DaysWanted, ReportEngine } from './report-engine.ts'
import { type ReportSql, resultsOf } from './report-sql.ts'

/** Of the 15 minutes of a function, the rest is for reading and publishing the rows. */
const QUERIES_MS = 10 * 60_000
const CONCURRENT_DOWNLOADS = 16
const NOTHING_NEW = Number.POSITIVE_INFINITY

/** Computes a report in Athena, which stores the rows as objects. These are loaded into the workspace and deleted. */
export const athenaEngine = (sql: ReportSql, athena: Athena, database: string): ReportEngine => ({
  async computeDays(report, wanted, storage) {
    const until = Date.now() + QUERIES_MS
    const archive = { database, days: await listTables(bucketOf(storage), newSince(wanted)) }
    const firstWhole = await firstWholeDay(storage.ledger)
    checkWhole(wanted.period, firstWhole)
    const { days, ...others } = await findDays(report, { ...wanted, firstWhole }, archive, query => athena.rows(query, until))
    const queryOf = (result: string) => athenaQuery(report, sql, result, { days }, archive)
    const computed =
      days.length === 0
        ? { resultOf: resultIn(report, new Map()) }
        : await compute(report, queryOf, { run: wanted.run, until }, { athena, storage })
    return { days, ...others, ...computed }
  },

  async computeBefore(report, at, storage, run) {
    const until = Date.now() + QUERIES_MS
    const archive = { database, days: await listTables(bucketOf(storage), NOTHING_NEW) }
    const queryOf = (result: string) => athenaQuery(report, sql, result, { at }, archive)
    return compute(report, queryOf, { run, until }, { athena, storage })
  },
})

const bucketOf = ({ archive, ledger }: RunDependencies) => ({ bucket: archive, ledger })

/** Since when a day of arrival is new. */
function newSince({ period, since }: DaysWanted): number {
  if (typeof period === 'object') return NOTHING_NEW
  return period === 'every day' ? 0 : since
}

interface FoundDays {
  readonly days: readonly number[]
  readonly ofFuture: ReadonlySet<number>
  readonly skipped: SkippedDays
}

async function findDays(
  report: DailyReport,
  { period, near, firstWhole }: DaysWanted & { readonly firstWhole: number },
  archive: AthenaArchive,
  rowsOf: (query: string) => Promise<(string | null)[][]>,
): Promise<FoundDays> {
  const day = typeof period === 'object' ? period.day : undefined
  const mayHaveDays = day === undefined ? archive.days.some(({ isNew }) => isNew) : archive.days.length > 0
  const isScheduled = period === 'days with arrivals'
  const query = daysQuery(report, archive, { near: isScheduled ? near : 'all', only: day, withLater: isScheduled })
  const found = (mayHaveDays ? await rowsOf(query) : []).map(([of, arrivals, isNear, ofFuture]) => ({
    ...{ day: Number(of), arrivals: Number(arrivals) },
    ...{ isNear: isNear === 'true', ofFuture: ofFuture === 'true' },
  }))
  const arrived = found.filter(({ arrivals }) => arrivals > 0)
  const published = new Set(found.filter(each => each.isNear && each.day >= firstWhole))
  const skipped = arrived.filter(each => !published.has(each))
  return {
    days: day === undefined ? [...published].map(each => each.day) : [day],
    ofFuture: new Set(found.filter(({ ofFuture }) => ofFuture).map(each => each.day)),
    skipped: { days: skipped.length, arrivals: skipped.reduce((sum, { arrivals }) => sum + arrivals, 0) },
  }
}

interface Computing {
  readonly run: string
  /** When the queries must have ended: milliseconds since 1970. */
  readonly until: number
}

/** Computes all results at once, and loads their rows. */
async function compute(
  report: Report,
  queryOf: (result: string) => string,
  { run, until }: Computing,
  { athena, storage }: { readonly athena: Athena; readonly storage: RunDependencies },
): Promise<Computed> {
  const names = [...resultsOf(report).keys()]
  const ended = await Promise.allSettled(
    names.map(async (result, at) => {
      const prefix = unloadPrefix(report.name, run, result)
      return load(`result-${at}`, prefix, await athena.unload(queryOf(result), prefix, until), storage)
    }),
  )
  // All queries have ended. Athena leaves the objects of a failed one.
  await removeBelow(
    names.map(result => unloadPrefix(report.name, run, result)),
    storage,
  )
  const files = new Map(ended.map((of, at) => [names[at] ?? '', succeeded(of)]))
  return { resultOf: resultIn(report, files) }
}

function succeeded<T>(ended: PromiseSettledResult<T>): T {
  if (ended.status === 'rejected') throw ended.reason
  return ended.value
}

/** The results in files, by name. Athena stores no object for a result without rows. */
const resultIn =
  (report: Report, files: ReadonlyMap<string, readonly string[]>) =>
  (name: string): string => {
    const table = resultsOf(report).get(name)
    if (!table) throw new SafeError(`The report ${report.name} has no result ${name}.`)
    const found = files.get(name) ?? []
    return found.length === 0
      ? noRows(table)
      : `FROM read_parquet([${found.map(sqlString).join(', ')}], hive_partitioning = false)`
  }

/** Downloads the objects that Athena names. Throws if one of them is missing. Returns the files. */
async function load(
  name: string,
  prefix: string,
  keys: readonly string[],
  { archive, workspace }: RunDependencies,
): Promise<string[]> {
  const stored = new Set((await archive.list(prefix)).map(({ key }) => key))
  if (keys.length === 0 && stored.size > 0)
    throw new SafeError('Athena has stored objects and named none of them. Run the report again.')
  const missing = keys.filter(key => !stored.has(key))
  if (missing.length > 0)
    throw new SafeError(`Athena has stored ${keys.length - missing.length} of ${keys.length} objects. Run the report again.`)
  return pLimit(CONCURRENT_DOWNLOADS).map(keys, async (key, at) => {
    const file = workspace.file(`${name}-${at}.parquet`)
    await archive.download(key, file)
    return file
  })
}

async function removeBelow(prefixes: readonly string[], { archive }: RunDependencies): Promise<void> {
  const stored = await Promise.all(prefixes.map(prefix => archive.list(prefix)))
  await archive.remove(stored.flat().map(({ key }) => key))
}
