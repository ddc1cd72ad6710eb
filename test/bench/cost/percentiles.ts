import type { PublishedMix } from '../../../cli/cost/published-mixes.ts'

/** Half of the times, and 95 %, in seconds. Null without any. */
export function percentiles(milliseconds: readonly number[]): PublishedMix['freshness']['user'] {
  if (milliseconds.length === 0) return null
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (share: number): number => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) / 100) / 10
  return { p50: at(0.5), p95: at(0.95) }
}
