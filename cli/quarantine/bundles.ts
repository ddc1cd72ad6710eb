import type { EventPart, IdentifiedSummary, ReadItem } from '../../shared/quarantine.ts'

/** The items of events, or those of the bundles that contain them. */
export const itemsOf = (parts: readonly EventPart[], bundles: boolean): readonly ReadItem[] =>
  parts.filter(({ isBundle }) => isBundle === bundles).map(({ item }) => item)

/** The keys of the bundles that contain any of these events. */
export const bundlesOf = (summaries: readonly IdentifiedSummary[]): readonly string[] => [
  ...new Set(summaries.flatMap(({ parts }) => itemsOf(parts, true).map(({ key }) => key))),
]

/** The bundles of which all events are selected, and the keys of those of which only some are. */
export function wholeBundles(
  selected: readonly IdentifiedSummary[],
  all: readonly IdentifiedSummary[],
): { readonly whole: readonly ReadItem[]; readonly partial: readonly string[] } {
  const chosen = new Set(selected.map(({ key }) => key))
  const others = new Set(bundlesOf(all.filter(({ key }) => !chosen.has(key))))
  const bundles = new Map(selected.flatMap(({ parts }) => itemsOf(parts, true)).map(item => [item.key, item]))
  return {
    whole: [...bundles.values()].filter(({ key }) => !others.has(key)),
    partial: [...bundles.keys()].filter(key => others.has(key)),
  }
}
