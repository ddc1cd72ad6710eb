import type { Environment } from '../environment.ts'
import type { MemoryRules, PageSizes } from './identity-memory.ts'

const SECONDS_PER_MINUTE = 60
const SECONDS_PER_DAY = 86_400

/**
 * A user's item stays near 1 KB: it has at most 32 identities and about 15 references. An identity is written four times: with the
 * item, and to a page of each size. A large page is about 20 KB, 5 read units.
 */
export const pageSizes: PageSizes = { item: 32, small: 256, large: 2048, index: 64 }

const MAX_OLD_PAGES = 64

/** Which identities are remembered, from the environment of a function that reads them. */
export const memoryRules = ({
  IDENTITY_MINUTES: minutes,
  IDENTITY_COUNT: count,
  IDENTITY_DAYS: days,
}: Pick<Environment<'state'>, 'IDENTITY_MINUTES' | 'IDENTITY_COUNT' | 'IDENTITY_DAYS'>): MemoryRules => ({
  seconds: Number(minutes) * SECONDS_PER_MINUTE,
  count: Number(count),
  statedSeconds: Number(days) * SECONDS_PER_DAY,
  maxOldPages: MAX_OLD_PAGES,
  sizes: pageSizes,
})
