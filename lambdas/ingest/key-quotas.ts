import type { Key, Quota } from '../../shared/keys.ts'
import { formatBytes, formatCount } from '../../shared/limits.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'
import { describeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import {
  type Caps,
  capsOf,
  type Holding,
  holdingAt,
  type LeaseRequest,
  leased,
  newHolding,
  planLease,
  planSmallestLease,
  type Refusal,
  refusalOf,
  type Totals,
  use,
  useLeft,
  windowTooSmall,
} from './plan-lease.ts'
import type { Amount } from './quota-amount.ts'
import type { SpentKeys } from './spent-keys.ts'

/** After a failure of the store, requests are accepted without a check for this time, so that not each of them waits for it. */
const TRUST_MS = 5_000
const MAX_HOLDINGS = 10_000

/** Counts the leases of all environments. */
export interface QuotaStore {
  /** Grants a lease if the totals permit it. The request may be granted for a minute that is one ahead. Throws if the store fails. */
  lease(keyId: string, request: LeaseRequest): Promise<Lease>
}

export type Lease =
  | { readonly granted: true; readonly request: LeaseRequest }
  | { readonly granted: false; readonly totals: Totals }

/** The quotas of keys. */
export interface KeyQuotas {
  /** The rejection of any request with this key, if it is known without the store: before its body is decoded. */
  spent(key: Key, telemetry: Telemetry): Rejection | undefined
  /** Takes what a request needs from the quota of its key, or rejects it. */
  take(key: Key, need: Amount, telemetry: Telemetry): Promise<Rejection | undefined>
}

export interface QuotaDependencies {
  readonly store: QuotaStore
  /** The quota of a key that has none of its own. */
  readonly quotaOf: (key: Key) => Quota
  readonly spentKeys: SpentKeys
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const ONE_EVENT: Amount = { events: 1, bytes: 0 }

/**
 * Each environment leases parts of a key's quota for the minute, and uses them without asking again. A store that fails refuses
 * nobody. docs/decisions.md tells why a lease is as large as it is.
 */
export function keyQuotas({ store, quotaOf, spentKeys, now }: QuotaDependencies): KeyQuotas {
  const holdings = new Map<string, Holding>()
  let trustedUntil = 0
  const capsFor = (key: Key): Caps | undefined => capsOf(key.quota ?? quotaOf(key))
  const holdingOf = ({ id }: Key): Holding => holdingAt(holdings.get(id) ?? newHolding(now()), now())
  const keep = ({ id }: Key, holding: Holding): void => {
    if (holdings.size >= MAX_HOLDINGS && !holdings.has(id)) holdings.clear()
    holdings.set(id, holding)
  }

  /** Leases what is needed, first with something for the next requests, then without. */
  const lease = async (key: Key, need: Amount, caps: Caps): Promise<Refusal | undefined> => {
    for (const plan of [planLease, planSmallestLease]) {
      const result = await store.lease(key.id, plan(holdingOf(key), need, caps, now()))
      if (result.granted) {
        keep(key, leased(holdings.get(key.id) ?? newHolding(now()), result.request, now()))
        return undefined
      }
      keep(key, { ...holdingOf(key), known: result.totals })
      const refusal = refusalOf(holdingOf(key), need, caps, now())
      if (refusal) return refusal
    }
    return { window: 'minute', seconds: 1 }
  }

  const refused = async (key: Key, refusal: Refusal, telemetry: Telemetry): Promise<Rejection> => {
    if (refusal.window === 'day') await spentKeys(key, telemetry)
    return rejectionOf(refusal, telemetry)
  }

  const unchecked = (key: Key, need: Amount, telemetry: Telemetry): void => {
    telemetry.count('QuotasUnchecked', 1)
    keep(key, use(holdingOf(key), need))
  }

  return {
    spent(key, telemetry) {
      const caps = capsFor(key)
      if (!caps || useLeft(holdingOf(key), ONE_EVENT)) return undefined
      const refusal = refusalOf(holdingOf(key), ONE_EVENT, caps, now())
      return refusal && rejectionOf(refusal, telemetry)
    },
    async take(key, need, telemetry) {
      const caps = capsFor(key)
      if (!caps) return undefined
      const tooSmall = windowTooSmall(need, caps)
      if (tooSmall) return largerThanQuota(need, tooSmall, caps, telemetry)
      const used = useLeft(holdingOf(key), need)
      if (used) return keep(key, used) as undefined
      const known = refusalOf(holdingOf(key), need, caps, now())
      if (known) return refused(key, known, telemetry)
      if (now() < trustedUntil) return unchecked(key, need, telemetry) as undefined
      try {
        const refusal = await lease(key, need, caps)
        if (refusal) return refused(key, refusal, telemetry)
        keep(key, useLeft(holdingOf(key), need) ?? use(holdingOf(key), need))
      } catch (error) {
        telemetry.annotate('quotaError', describeError(error))
        trustedUntil = now() + TRUST_MS
        unchecked(key, need, telemetry)
      }
      return undefined
    },
  }
}

function rejectionOf({ window, seconds }: Refusal, telemetry: Telemetry): Rejection {
  telemetry.annotate('quotaSpent', window)
  if (window === 'day') telemetry.count('DailyQuotasSpent', 1)
  return reject('rate_limited', `The quota of this key for the ${window} is used up. ${NEXT}`, seconds)
}

/** It is a 429, which SDKs keep and send again, so that a larger quota lets them through: a 413 makes most of them drop the events. */
function largerThanQuota(need: Amount, window: Refusal['window'], caps: Caps, telemetry: Telemetry): Rejection {
  telemetry.annotate('quotaTooSmall', window)
  const limit = `the whole quota of this key for a ${window}: ${sizeOf(caps[window])}`
  return reject('rate_limited', `The request has ${sizeOf(need)}, more than ${limit}. ${SMALLER}`, LONG_WAIT_SECONDS)
}

const sizeOf = ({ events, bytes }: Amount): string =>
  `${formatCount(events)} ${events === 1 ? 'event' : 'events'} with ${formatBytes(bytes)}`
const LONG_WAIT_SECONDS = 60
const SMALLER = 'Send fewer events in a request, or raise the quota with `millrace keys change`.'
const NEXT = 'Wait for the seconds in Retry-After, then send again.'
