import { type Environment, NONE } from '../shared/environment.ts'
import type { WindowLifetime } from '../shared/grain.ts'

const HOUR_MS = 3_600_000

/** How long windows are kept, from the environment of a function that merges deltas. */
export function windowLifetime({
  LATENESS_HOURS: lateness,
  RETENTION_HOURS: retention,
}: Pick<Environment<'windows'>, 'LATENESS_HOURS' | 'RETENTION_HOURS'>): WindowLifetime {
  return {
    latenessMs: lateness === NONE ? undefined : Number(lateness) * HOUR_MS,
    retentionMs: Number(retention) * HOUR_MS,
  }
}
