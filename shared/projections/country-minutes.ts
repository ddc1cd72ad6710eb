import * as z from 'zod/mini'
import { normalEmail, userRecord } from '../events/user-record.ts'
import { perWindow } from '../grains/window.ts'
import { MINUTE_SECONDS } from '../grains/window-time.ts'
import { mergeTallies, type Tally, tally } from '../tally.ts'
import { wholeSeconds, windowInstant } from '../time.ts'

interface Minute {
  readonly events: number
  /** Users with an e-mail. The e-mail is the subject of their records and of no other user's, so each user counts once. */
  readonly users: number
  readonly females: number
  readonly countries: Tally
}

const isFemale = (gender: string | null): boolean => gender?.trim().toLowerCase() === 'female'

/** The greatest or smallest count, and all countries that have it. */
function extreme(countries: Tally, choose: (...counts: number[]) => number) {
  const count = choose(...countries.map(([, each]) => each))
  return { count, countries: countries.filter(([, each]) => each === count).map(([country]) => country) }
}

const ranking = z.object({ count: z.int(), countries: z.array(z.string()) })

/** The countries that share the highest or the lowest number of events, and that number. */
export type CountryRanking = z.infer<typeof ranking>

export const countryMinutes = perWindow({
  name: 'country-minutes',
  revision: 1,
  on: [userRecord],
  window: MINUTE_SECONDS,
  at: ({ time }) => wholeSeconds(time),
  slots: 8,
  initial: (): Minute => ({ events: 0, users: 0, females: 0, countries: [] }),
  fold: (state, { data }) => ({
    events: state.events + 1,
    users: normalEmail(data.email) === null ? 0 : 1,
    females: state.females + (isFemale(data.gender) ? 1 : 0),
    countries: tally(state.countries, data.country ?? ''),
  }),
  merge: (stored, delta, { firstOfUser }) => ({
    events: stored.events + delta.events,
    users: stored.users + (firstOfUser ? delta.users : 0),
    females: stored.females + delta.females,
    countries: mergeTallies(stored.countries, delta.countries),
  }),
  document: (state, { start, usersAreMinimum }) => ({
    window_start: windowInstant(start),
    events: state.events,
    unique_users: state.users,
    ...(usersAreMinimum && { unique_users_is_minimum: true }),
    females: state.females,
    most: extreme(state.countries, Math.max),
    least: extreme(state.countries, Math.min),
  }),
  shape: z.object({
    window_start: z.iso.datetime(),
    events: z.int(),
    unique_users: z.int(),
    /** Absent: the number is exact. */
    unique_users_is_minimum: z.optional(z.boolean()),
    females: z.int(),
    most: ranking,
    least: ranking,
  }),
})
