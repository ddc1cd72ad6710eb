import { mkdir } from 'node:fs/promises'
import type { DailyReport, Report, SnapshotReport } from '../../shared/report.ts'
import { mayHoldBefore, mayHoldDay, mayHoldEarlier, mayHoldLater } from '../archive/footer.ts'
import { type Candidate, loadObjects, readFooters } from '../archive/load-objects.ts'
import {
  type ArrivalFilter,
  arrivalsOf,
  createArrivals,
  dayColumn,
  laterDaysQuery,
  nearCondition,
  noArrivals,
  requiredColumn,
} from './arrivals.ts'
import { checkWhole, firstWholeDay } from './kept-days.ts'
import type { NearDays, SkippedDays } from './plan-run.ts'
import type { RunDependencies } from './publish.ts'
import type { DaysWanted } from './report-engine.ts'

interface Gathered {
  /** The days to publish: since 1970, ascending. */
  readonly days: readonly number[]
  /** The days with arrivals that are not published: all of these are too far from their day, or others have expired. */
  readonly skipped: SkippedDays
}

/**
 * Fills the view `arrivals` with every row that a period needs, and returns the days to publish. It loads three groups of objects:
 * new ones, which determine the days, with those of their later arrivals; others that may hold events of these days; and others that
 * may hold earlier arrivals of the loaded events with another day.
 */
export async function gatherDays(
  report: DailyReport,
  { period, since, near }: Omit<DaysWanted, 'run'>,
  storage: RunDependencies,
): Promise<Gathered> {
  const [required, column] = [requiredColumn(report), dayColumn(report)]
  await startArrivals(report, storage)
  const footers = await readFooters(archiveOf(storage), report.eventType.name, [required, column, 'received_time_us'])
  const firstWhole = await firstWholeDay(storage.ledger)
  checkWhole(period, firstWhole)
  const candidates = footers.filter(({ footer }) => footer.ranges[required] !== 'none')
  const isNew = ({ modified }: Candidate): boolean =>
    period === 'every day' || (period === 'days with arrivals' && modified >= since)
  await load(report, candidates.filter(isNew), 'all', storage)

  const loaded = await loadedDays(storage, period === 'days with arrivals' ? near : 'all')
  const isPublished = ({ day, isNear }: LoadedDay): boolean => isNear && day >= firstWhole
  const others = candidates.filter(candidate => !isNew(candidate))
  const ofLater = period === 'days with arrivals' ? await daysOfLaterArrivals(report, others, near, storage) : []
  const published = [...loaded.filter(isPublished).map(({ day }) => day), ...ofLater.filter(day => day >= firstWhole)]
  const days = typeof period === 'object' ? [period.day] : [...new Set(published)].sort((a, b) => a - b)
  const sameDays = others.filter(({ footer }) => mayHoldDay(footer, column, days))
  await load(report, sameDays, 'all', storage)

  const lastReceived = (await loadedDays(storage, 'all')).filter(({ day }) => days.includes(day)).map(({ received }) => received)
  const last = lastReceived.reduce((a, b) => (a > b ? a : b), -1n)
  const earlier = others.filter(candidate => !sameDays.includes(candidate) && mayHoldEarlier(candidate.footer, required, last))
  await load(report, earlier, 'repeats', storage)
  return { days, skipped: skippedOf(loaded.filter(each => !isPublished(each))) }
}

/** The days on which loaded events do not count any more: their later arrivals were in the archive first, because they themselves were replayed. */
async function daysOfLaterArrivals(
  report: DailyReport,
  others: readonly Candidate[],
  near: NearDays,
  { archive, workspace }: RunDependencies,
): Promise<number[]> {
  const [first] = await workspace.run('SELECT min(received_time_us) AS received FROM arrivals')
  const received = first?.['received']
  if (typeof received !== 'bigint') return []
  const later = others.filter(({ footer }) => mayHoldLater(footer, requiredColumn(report), received))
  const days: number[] = []
  await loadObjects(later, archive, workspace.file, async batch => {
    const rows = await workspace.run(laterDaysQuery(arrivalsOf(report, batch, 'repeats'), near))
    days.push(...rows.map(({ day }) => Number(day)))
  })
  return days
}

/** Fills the view `arrivals` with every row before an instant (microseconds since 1970). */
export async function gatherBefore(report: SnapshotReport, at: bigint, storage: RunDependencies): Promise<void> {
  const required = requiredColumn(report)
  await startArrivals(report, storage)
  const footers = await readFooters(archiveOf(storage), report.eventType.name, [required, 'event_time_us'])
  const candidates = footers.filter(({ footer }) => mayHoldBefore(footer, required, at))
  await load(report, candidates, { before: at }, storage)
}

const ARRIVALS = 'arrivals'

const archiveOf = ({ archive, ledger }: RunDependencies) => ({ bucket: archive, ledger })

async function startArrivals(report: Report, { workspace }: RunDependencies): Promise<void> {
  await mkdir(workspace.file(ARRIVALS))
  await workspace.write(noArrivals(report), `${ARRIVALS}/none.parquet`, 'parquet')
  await workspace.run(createArrivals(workspace.file(ARRIVALS)))
}

/** Writes the rows of the objects as files of `arrivals`: DuckDB reads and writes these faster than tables. */
const load = (
  report: Report,
  candidates: readonly Candidate[],
  filter: ArrivalFilter,
  { archive, workspace }: RunDependencies,
): Promise<void> =>
  loadObjects(candidates, archive, workspace.file, async batch => {
    await workspace.write(arrivalsOf(report, batch, filter), `${ARRIVALS}/${batch[0]?.place}.parquet`, 'parquet')
  })

interface LoadedDay {
  readonly day: number
  /** The last arrival, in microseconds since 1970. */
  readonly received: bigint
  readonly arrivals: number
  /** Whether an arrival is near the day. */
  readonly isNear: boolean
}

async function loadedDays({ workspace }: RunDependencies, near: NearDays): Promise<LoadedDay[]> {
  const rows = await workspace.run(
    `SELECT day, max(received_time_us) AS last_received, count(*) AS arrivals, bool_or(${nearCondition(near)}) AS is_near
FROM arrivals GROUP BY day ORDER BY day`,
  )
  return rows.map(row => ({
    day: row['day'] as number,
    received: row['last_received'] as bigint,
    arrivals: Number(row['arrivals']),
    isNear: row['is_near'] as boolean,
  }))
}

const skippedOf = (skipped: readonly LoadedDay[]): SkippedDays => ({
  days: skipped.length,
  arrivals: skipped.reduce((sum, { arrivals }) => sum + arrivals, 0),
})
