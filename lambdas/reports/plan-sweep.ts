import { newestSnapshot, type Publication, type Report, reportPrefix, runId } from '../../shared/report.ts'

const HOUR_MS = 3_600_000
/** One day. Longer than any run, any paging through the API, and any reader of a prefix that a run has just returned. */
const GRACE_MS = 24 * HOUR_MS
/** Every instant repeats the whole history before it, and an old one can be published again on demand. */
const RETENTION_MS = 7 * 24 * HOUR_MS

/** The publications to withdraw: instants whose run is older than a week, except the newest. Days are kept forever. */
export function outdatedPublications<P extends Publication>(report: Report, published: readonly P[], now: number): P[] {
  if (report.kind === 'daily') return []
  const newest = newestSnapshot(published)
  return published.filter(publication => publication !== newest && publication.run < runId(now - RETENTION_MS, ''))
}

/**
 * The keys of objects that no publication refers to and no reader can still need: those of replaced and of crashed runs. Read
 * the publications after the listing, so that the objects of a run that publishes in between are kept.
 */
export function expiredKeys(
  report: Report,
  objects: readonly { readonly key: string; readonly modified: number }[],
  published: readonly Publication[],
  now: number,
): string[] {
  // A run may replace single days of another run, but an instant always belongs to one run as a whole.
  const publicationId = (run: string, date: string): string => (report.kind === 'daily' ? `${run}/${date}` : run)
  const referenced = new Set(published.map(({ period, run }) => publicationId(run, period)))
  const runAndName = new RegExp(`^${reportPrefix(report.name)}([^/]+)/.*?([\\d-]+)\\.(?:parquet|csv)$`)
  return objects
    .filter(({ key, modified }) => {
      const [, run, name = ''] = runAndName.exec(key) ?? []
      return run !== undefined && !referenced.has(publicationId(run, name)) && now - modified > GRACE_MS
    })
    .map(({ key }) => key)
}
