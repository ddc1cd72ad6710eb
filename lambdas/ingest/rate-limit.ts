/**
 * Lets `perSecond` requests a second of each key through, and as many at once. It knows of this environment's requests
 * alone: with n environments at work a key may send n times as much.
 */
export function rateLimit(perSecond: number, now: () => number): (keyName: string) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return keyName => {
    const at = now()
    const bucket = buckets.get(keyName) ?? { tokens: perSecond, at }
    const tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * perSecond)
    const passes = tokens >= 1
    buckets.set(keyName, { tokens: passes ? tokens - 1 : tokens, at })
    return passes
  }
}
