/**
 * A token bucket per key: allows `perSecond` requests a second, in bursts of at most `perSecond`. It counts only the requests
 * of this Lambda environment, so with n environments a key may send n times as many. `now` is in milliseconds.
 */
export function rateLimit(perSecond: number, now: () => number): (keyName: string) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return keyName => {
    const at = now()
    const bucket = buckets.get(keyName) ?? { tokens: perSecond, at }
    const tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * perSecond)
    const allowed = tokens >= 1
    buckets.set(keyName, { tokens: allowed ? tokens - 1 : tokens, at })
    return allowed
  }
}
