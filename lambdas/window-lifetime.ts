import { type Environment, NONE } from '../shared/environment.ts'
import type { WindowLifetime } from '../shared/grain.ts'
import { MAX_DELIVERY_MS } from '../shared/record-age.ts'

const HOUR_MS = 3_600_000

/** How long windows are kept, from the environment of a function that merges deltas. */
export const windowLifetime = ({ LATENESS_HOURS: lateness }: Pick<Environment<'windows'>, 'LATENESS_HOURS'>): WindowLifetime => ({
  latenessMs: lateness === NONE ? undefined : Number(lateness) * HOUR_MS,
  retentionMs: MAX_DELIVERY_MS,
})
