import type { Quota } from '../../shared/keys.ts'
import { type Amount, fits, highest, lowest, minus, NOTHING, plus, scale } from './quota-amount.ts'

const KB = 2 ** 10
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** The part of a minute that one environment leases at most. What it does not use is lost to the others until the minute is over. */
const MINUTE_PART = 1 / 100
/** The part of a day. What an environment has used is counted with its next lease. */
const DAY_PART = 1 / 200
/**
 * Leases may exceed the quota of a minute by this factor, because not all are used: of 20 environments, 19 others may each hold a
 * hundredth. So a need that is refused would use more than 90 % of the quota, and what is accepted is at most 109 %.
 */
const EXCESS = 1.09
/** A lease lasts about this long at the rate of its environment: one that sends little holds little. */
const LEASE_MS = 20_000
/** As a number that the store can compare. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** The quotas of a key as amounts. */
export interface Caps {
  readonly minute: Amount
  readonly day: Amount
}

/** Undefined without any limit. */
export function capsOf({ minute, day }: Quota): Caps | undefined {
  const amount = (events: number | 'none'): Amount =>
    events === 'none' ? { events: UNLIMITED, bytes: UNLIMITED } : { events, bytes: events * KB }
  return minute === 'none' && day === 'none' ? undefined : { minute: amount(minute), day: amount(day) }
}

/** What the store counts for a key, over all environments. */
export interface Totals {
  /** Minutes since 1970. */
  readonly minute: number
  /** Leased in the minute, used or not. */
  readonly leased: Amount
  /** Used in the minute, as far as the environments have reported. */
  readonly used: Amount
  /** Days since 1970. */
  readonly day: number
  readonly usedInDay: Amount
}

/** A request for a lease. It also reports what its environment has used since its last one. */
export interface LeaseRequest {
  readonly minute: number
  readonly day: number
  readonly lease: Amount
  readonly used: Amount
  readonly usedInDay: Amount
  /** The greatest totals before the lease with which it is granted. */
  readonly most: Pick<Totals, 'leased' | 'used' | 'usedInDay'>
}

/** What one environment knows about one key. */
export interface Holding {
  readonly minute: number
  readonly day: number
  /** Leased and not used. */
  readonly left: Amount
  /** Used in this minute, and in any, and not reported yet. */
  readonly used: Amount
  readonly usedInDay: Amount
  /** When it leased last, and what it has used since. Milliseconds since 1970. */
  readonly leasedAt: number
  readonly usedSince: Amount
  /** The totals at the last refusal. They can only have grown, until their minute or day is over. */
  readonly known: Totals | undefined
}

const minuteOf = (now: number): number => Math.floor(now / MINUTE_MS)
const dayOf = (now: number): number => Math.floor(now / DAY_MS)

export const newHolding = (now: number): Holding => ({
  ...{ minute: minuteOf(now), day: dayOf(now), left: NOTHING, used: NOTHING, usedInDay: NOTHING },
  ...{ leasedAt: now, usedSince: NOTHING, known: undefined },
})

/** The holding at this time: in a new minute, what is left of a lease is lost; in a new day, also what was not reported. */
export function holdingAt(holding: Holding, now: number): Holding {
  const minute = minuteOf(now)
  // The store may be one minute ahead of this environment's clock.
  if (holding.minute === minute || holding.minute === minute + 1) return holding
  const day = dayOf(now)
  return { ...holding, minute, day, left: NOTHING, used: NOTHING, usedInDay: day === holding.day ? holding.usedInDay : NOTHING }
}

/** The holding after this use, or undefined if it needs another lease. */
export const useLeft = (holding: Holding, need: Amount): Holding | undefined =>
  fits(need, holding.left) ? { ...use(holding, need), left: minus(holding.left, need) } : undefined

/** Counts a use that is not covered by a lease, because the store failed. */
export const use = (holding: Holding, need: Amount): Holding => ({
  ...holding,
  used: plus(holding.used, need),
  usedInDay: plus(holding.usedInDay, need),
  usedSince: plus(holding.usedSince, need),
})

/** The lease for this need, and for what the environment will probably need next. */
export function planLease(holding: Holding, need: Amount, caps: Caps, now: number): LeaseRequest {
  const rate = LEASE_MS / Math.max(1, now - holding.leasedAt)
  const largest = lowest(scale(caps.minute, MINUTE_PART), scale(caps.day, DAY_PART))
  const expected = lowest(scale(holding.usedSince, rate), largest)
  return leaseOf(holding, need, caps, highest(missing(holding, need), expected))
}

/** The lease for this need only. */
export const planSmallestLease = (holding: Holding, need: Amount, caps: Caps): LeaseRequest =>
  leaseOf(holding, need, caps, missing(holding, need))

const missing = ({ left }: Holding, need: Amount): Amount => highest(minus(need, left), NOTHING)

function leaseOf(holding: Holding, need: Amount, caps: Caps, lease: Amount): LeaseRequest {
  const { minute, day, used, usedInDay } = holding
  const most = {
    leased: minus(scale(caps.minute, EXCESS), lease),
    used: minus(caps.minute, plus(used, need)),
    usedInDay: minus(caps.day, plus(usedInDay, need)),
  }
  return { minute, day, lease, used, usedInDay, most }
}

/** Whether the store grants a lease. Without totals of the minute or the day, nothing was used in it. */
export const isGranted = ({ most, minute, day }: LeaseRequest, totals: Totals | undefined): boolean =>
  (totals?.minute === minute
    ? fits(totals.leased, most.leased) && fits(totals.used, most.used)
    : areRoom(most.leased, most.used)) && (totals?.day === day ? fits(totals.usedInDay, most.usedInDay) : areRoom(most.usedInDay))

const areRoom = (...amounts: readonly Amount[]): boolean => amounts.every(amount => fits(NOTHING, amount))

/** The totals after a lease was granted. */
export function grant({ minute, day, lease, used, usedInDay }: LeaseRequest, totals: Totals | undefined): Totals {
  const before = totals?.minute === minute ? totals : { leased: NOTHING, used: NOTHING }
  const inDay = totals?.day === day ? totals.usedInDay : NOTHING
  return { minute, day, leased: plus(before.leased, lease), used: plus(before.used, used), usedInDay: plus(inDay, usedInDay) }
}

/** The request for the minute that the store counts already, if that is the next one: an environment whose clock is behind follows. */
export const followed = (request: LeaseRequest, { minute, day }: Totals): LeaseRequest | undefined =>
  minute === request.minute + 1 ? { ...request, minute, day, used: NOTHING } : undefined

/** The holding after a granted lease, without the use that it was for. Other requests may have used it, or leased, meanwhile. */
export function leased(holding: Holding, request: LeaseRequest, now: number): Holding {
  const reported = { usedInDay: minus(holding.usedInDay, request.usedInDay), leasedAt: now, usedSince: NOTHING, known: undefined }
  if (request.minute < holding.minute) return { ...holding, ...reported }
  const { minute, day, lease } = request
  return minute > holding.minute
    ? { ...holding, ...reported, minute, day, left: lease, used: NOTHING }
    : { ...holding, ...reported, left: plus(holding.left, lease), used: minus(holding.used, request.used) }
}

/** The window whose whole quota is smaller than this need: no wait helps. */
export function windowTooSmall(need: Amount, { minute, day }: Caps): Refusal['window'] | undefined {
  if (!fits(need, minute)) return 'minute'
  return fits(need, day) ? undefined : 'day'
}

/** Which quota a need exceeds. */
export interface Refusal {
  readonly window: 'minute' | 'day'
  /** Until the quota begins again. */
  readonly seconds: number
}

/** Why a need is refused, by what is known of the totals. Undefined: it may be granted. */
export function refusalOf(holding: Holding, need: Amount, caps: Caps, now: number): Refusal | undefined {
  const { known, minute, day } = holding
  const request = planSmallestLease(holding, need, caps)
  if (!known || isGranted(request, known)) return undefined
  const window = known.day === day && !fits(known.usedInDay, request.most.usedInDay) ? 'day' : 'minute'
  const end = window === 'day' ? (day + 1) * DAY_MS : (minute + 1) * MINUTE_MS
  return { window, seconds: Math.max(1, Math.ceil((end - now) / 1000)) }
}
