import type { DailyReport, Report, SnapshotReport } from '../../shared/report.ts'
import { type ArrivalFilter, createArrivals, dayColumn, insertArrivals, requiredColumn } from './arrivals-table.ts'
import { type Candidate, loadObjects, readFooters } from './load-objects.ts'
import { mayHoldBefore, mayHoldDay, mayHoldEarlier } from './plan-objects.ts'
import type { Period } from './plan-run.ts'
import type { RunDependencies } from './publish.ts'

/**
 * Fills the table `arrivals` with every row that a period needs, and returns the days to publish (since 1970, ascending). It loads
 * three groups of objects: new ones, which determine the days; others that may hold events of these days; and others that may hold
 * earlier arrivals of the loaded events with another day. An object is new when it was written at `since` (milliseconds since 1970)
 * or later.
 */
export async function gatherDays(
  report: DailyReport,
  { period, since }: { readonly period: Period; readonly since: number },
  storage: RunDependencies,
): Promise<number[]> {
  const [required, column] = [requiredColumn(report), dayColumn(report)]
  await storage.workspace.run(createArrivals(report))
  const footers = await readFooters(storage.archive, [required, column, 'received_time_us'])
  const candidates = footers.filter(({ footer }) => footer.ranges[required] !== 'none')
  const isNew = ({ modified }: Candidate): boolean =>
    period === 'every day' || (period === 'days with arrivals' && modified >= since)
  await load(report, candidates.filter(isNew), 'all', storage)

  const days = typeof period === 'object' ? [period.day] : (await loadedDays(storage)).map(({ day }) => day)
  const others = candidates.filter(candidate => !isNew(candidate))
  const sameDays = others.filter(({ footer }) => mayHoldDay(footer, column, days))
  await load(report, sameDays, 'all', storage)

  const lastReceived = (await loadedDays(storage)).filter(({ day }) => days.includes(day)).map(({ received }) => received)
  const last = lastReceived.reduce((a, b) => (a > b ? a : b), -1n)
  const earlier = others.filter(candidate => !sameDays.includes(candidate) && mayHoldEarlier(candidate.footer, required, last))
  await load(report, earlier, 'repeats', storage)
  return days
}

/** Fills the table `arrivals` with every row before an instant (microseconds since 1970). */
export async function gatherBefore(report: SnapshotReport, at: bigint, storage: RunDependencies): Promise<void> {
  const required = requiredColumn(report)
  await storage.workspace.run(createArrivals(report))
  const footers = await readFooters(storage.archive, [required, 'event_time_us'])
  const candidates = footers.filter(({ footer }) => mayHoldBefore(footer, required, at))
  await load(report, candidates, 'before', storage, { at })
}

const load = (
  report: Report,
  candidates: readonly Candidate[],
  filter: ArrivalFilter,
  { archive, workspace }: RunDependencies,
  parameters: Readonly<Record<string, bigint>> = {},
): Promise<void> =>
  loadObjects(candidates, archive, workspace.file, async object => {
    await workspace.run(insertArrivals(report, object, filter), parameters)
  })

/** The loaded days and the last arrival of each, in microseconds since 1970. */
async function loadedDays({ workspace }: RunDependencies): Promise<{ day: number; received: bigint }[]> {
  const rows = await workspace.run('SELECT day, max(received_time_us) AS last_received FROM arrivals GROUP BY day ORDER BY day')
  return rows.map(row => ({ day: row['day'] as number, received: row['last_received'] as bigint }))
}
