import { type IdentifiedSummary, type QuarantinedEvent, quarantineKey, type ReadItem } from './quarantine.ts'

/** The item of a bundle, as far as it says how often the bundle holds its events. */
interface BundleCounts extends ReadItem {
  /** The count up to which its events are items of their own already. */
  readonly unpacked?: number
}

/** An event of a bundle without its body, and its position in the request. */
export interface BundledSummary extends IdentifiedSummary {
  readonly position: number
}

/** The summary of an event that a bundle contains. */
export function bundledSummary(event: QuarantinedEvent, bundle: BundleCounts): BundledSummary {
  const { code, message, type, id, keyName, received, position = 0 } = event
  const { key, count: times, first, unpacked = 0 } = bundle
  const count = (event.count ?? 1) * (times - unpacked)
  const item = { key, count: times, ...(first !== undefined && { first }) }
  const parts = [{ item, isBundle: true, count }]
  return { key: quarantineKey(event), code, message, type, id, keyName, received, count, position, parts }
}

/** Summaries with one for each key: with the reason of the first delivery, and the counts of all items that contain the event. */
export function mergeEqual<Summary extends IdentifiedSummary>(summaries: Iterable<Summary>): Map<string, Summary> {
  const merged = new Map<string, Summary>()
  for (const summary of summaries) {
    const known = merged.get(summary.key)
    merged.set(summary.key, known ? merge(known, summary) : summary)
  }
  return merged
}

function merge<Summary extends IdentifiedSummary>(a: Summary, b: Summary): Summary {
  const [first, later] = a.received <= b.received ? [a, b] : [b, a]
  return { ...later, ...first, count: a.count + b.count, parts: [...a.parts, ...b.parts] }
}
