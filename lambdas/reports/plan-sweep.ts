import { type Report, reportPrefix } from '../../shared/report.ts'

/** A day: longer than any run, any page of an answer, and any reading of a prefix that a run has just returned. */
const GRACE_MS = 24 * 3_600_000

/**
 * Keys of the objects that no day shows and nobody can be reading: those of replaced and of crashed runs. Call it with the
 * publications read after the listing: then a run that publishes meanwhile loses nothing.
 */
export function expired(
  report: Report,
  objects: readonly { readonly key: string; readonly modified: number }[],
  published: readonly { readonly date: string; readonly run: string }[],
  now: number,
): string[] {
  const shown = new Set(published.map(({ date, run }) => `${run}/${date}`))
  const runAndDate = new RegExp(`^${reportPrefix(report.name)}([^/]+)/.*?([\\d-]+)\\.(?:parquet|csv)$`)
  return objects
    .filter(({ key, modified }) => {
      const [, run, date] = runAndDate.exec(key) ?? []
      return run !== undefined && !shown.has(`${run}/${date}`) && now - modified > GRACE_MS
    })
    .map(({ key }) => key)
}
