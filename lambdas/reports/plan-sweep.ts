import { newestSnapshot, type Publication, type Report, reportPrefix, runStart } from '../../shared/report.ts'

const DAY_MS = 86_400_000
/** One day. Longer than any run, any paging through the API, and any reader of a prefix that a run has just returned. */
const GRACE_MS = DAY_MS

/** Which runs of a report that is published as of instants are kept: the last ones, and one of each of the last days, today included. */
export interface Keep {
  readonly runs: number
  readonly days: number
}

/** The publications of instants to withdraw. The newest one is kept, and so is the newest of each day: of those that a run published on it. */
export function outdatedPublications<P extends Publication>(published: readonly P[], now: number, { runs, days }: Keep): P[] {
  const latestRuns = published.toSorted((a, b) => (a.run < b.run ? 1 : -1)).slice(0, runs)
  const firstDay = dayOf(now) - days + 1
  const byDay = Map.groupBy(published, ({ run }) => dayOf(runStart(run)))
  const ofDays = [...byDay].flatMap(([day, publications]) => (day >= firstDay ? (newestSnapshot(publications) ?? []) : []))
  const kept = new Set([newestSnapshot(published), ...latestRuns, ...ofDays])
  return published.filter(publication => !kept.has(publication))
}

const dayOf = (millis: number): number => Math.floor(millis / DAY_MS)

interface SweepFacts {
  readonly objects: readonly { readonly key: string; readonly modified: number }[]
  /** Read after the objects. */
  readonly published: readonly Publication[]
  /** When an earlier sweep noted that no publication refers to objects, by what a publication refers to. */
  readonly unpublished: ReadonlyMap<string, number>
}

export interface SweepPlan {
  /** To be noted as unpublished. */
  readonly note: readonly string[]
  /** The keys of objects to be deleted. */
  readonly remove: readonly string[]
  /** Notes that are no longer needed. */
  readonly forget: readonly string[]
}

/**
 * What to do with the objects that no publication refers to: those of withdrawn, replaced and crashed runs. They are noted first, and
 * deleted a day later, because somebody may be reading them. Objects of the last day may belong to a run that has not published yet.
 */
export function planSweep(
  report: Pick<Report, 'name' | 'kind'>,
  { objects, published, unpublished }: SweepFacts,
  now: number,
): SweepPlan {
  const referred = new Set(published.map(({ run, period }) => idOf(report, run, period)))
  const groups = Map.groupBy(objects, ({ key }) => idOfKey(report, key))
  const orphans = [...groups].flatMap(([id, group]) => (id === undefined || referred.has(id) ? [] : [{ id, group }]))
  const isOld = ({ modified }: { readonly modified: number }): boolean => now - modified > GRACE_MS
  const mayBeRemoved = (id: string): boolean => now - (unpublished.get(id) ?? now) > GRACE_MS
  return {
    note: orphans.filter(({ id, group }) => !unpublished.has(id) && group.every(isOld)).map(({ id }) => id),
    remove: orphans.filter(({ id }) => mayBeRemoved(id)).flatMap(({ group }) => group.map(({ key }) => key)),
    forget: [...unpublished.keys()].filter(id => !groups.has(id)),
  }
}

/** What a publication refers to. A run may replace single days of another run, but an instant always belongs to one run as a whole. */
const idOf = ({ kind }: Pick<Report, 'kind'>, run: string, period: string): string =>
  kind === 'daily' ? `${run}/${period}` : run

/** What must refer to an object for it to be kept. Undefined: it is not an object of a run. */
function idOfKey(report: Pick<Report, 'name' | 'kind'>, key: string): string | undefined {
  const runAndName = new RegExp(`^${reportPrefix(report.name)}([^/]+)/.*?([\\d-]+)\\.(?:parquet|csv)$`)
  const [, run, period = ''] = runAndName.exec(key) ?? []
  return run === undefined ? undefined : idOf(report, run, period)
}
