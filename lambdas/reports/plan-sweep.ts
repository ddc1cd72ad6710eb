import { newestSnapshot, type Publication, type Report, reportPrefix, runId } from '../../shared/report.ts'

const HOUR_MS = 3_600_000
/** A day: longer than any run, any page of an answer, and any reading of a prefix that a run has just returned. */
const GRACE_MS = 24 * HOUR_MS
/** Each instant is published with the whole history before it: what was made a week ago is made again on demand. */
const KEEP_MS = 7 * 24 * HOUR_MS

/** What is to be shown no longer: instants whose run is a week old, but never the newest. Days are shown for ever. */
export function outdatedPublications<P extends Publication>(report: Report, published: readonly P[], now: number): P[] {
  if (report.kind === 'daily') return []
  const newest = newestSnapshot(published)
  return published.filter(publication => publication !== newest && publication.run < runId(now - KEEP_MS, ''))
}

/**
 * Keys of the objects that nothing published shows and nobody can be reading: those of replaced and of crashed runs. Call it with
 * the publications read after the listing: then a run that publishes meanwhile loses nothing.
 */
export function expiredKeys(
  report: Report,
  objects: readonly { readonly key: string; readonly modified: number }[],
  published: readonly Publication[],
  now: number,
): string[] {
  // A run replaces single days of others, but makes an instant whole.
  const shows = (run: string, date: string): string => (report.kind === 'daily' ? `${run}/${date}` : run)
  const shown = new Set(published.map(({ period, run }) => shows(run, period)))
  const runAndName = new RegExp(`^${reportPrefix(report.name)}([^/]+)/.*?([\\d-]+)\\.(?:parquet|csv)$`)
  return objects
    .filter(({ key, modified }) => {
      const [, run, name = ''] = runAndName.exec(key) ?? []
      return run !== undefined && !shown.has(shows(run, name)) && now - modified > GRACE_MS
    })
    .map(({ key }) => key)
}
