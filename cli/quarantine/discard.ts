import pLimit from 'p-limit'
import type { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import type { IdentifiedSummary, ReadItem } from '../../shared/quarantine.ts'
import { showProgress } from '../progress.ts'
import { itemsOf, wholeBundles } from './bundles.ts'

const CALLS_AT_ONCE = 16

export interface Discarded {
  readonly discarded: number
  /** Events that were quarantined again while they were discarded, or that are gone already. */
  readonly kept: number
}

export interface DiscardDependencies {
  readonly reader: Pick<ReturnType<typeof quarantineReader>, 'remove'>
  /** Everything in the quarantine. */
  readonly list: () => Promise<readonly IdentifiedSummary[]>
  /** Turns the events of these bundles into items. */
  readonly unpack: (bundles: readonly string[]) => Promise<void>
}

/**
 * Deletes events and their bodies for good. A bundle is deleted as a whole if all its events are selected; the other bundles with
 * selected events are unpacked first. `all` is everything in the quarantine, as it was when the events were selected.
 */
export async function discardItems(
  selected: readonly IdentifiedSummary[],
  all: readonly IdentifiedSummary[],
  { reader, list, unpack }: DiscardDependencies,
): Promise<Discarded> {
  const { whole, partial } = wholeBundles(selected, all)
  if (partial.length > 0) await unpack(partial)
  const unpacked = new Map(partial.length > 0 ? (await list()).map(summary => [summary.key, summary]) : [])
  const removing = selected.map(summary => itemsToRemove(summary, new Set(partial), unpacked.get(summary.key)))
  const removed = await removeAll([...whole, ...removing.flatMap(items => items ?? [])], reader)
  const isDiscarded = (items: readonly ReadItem[] | undefined, { parts }: IdentifiedSummary): boolean =>
    items !== undefined &&
    [...items, ...itemsOf(parts, true).filter(({ key }) => !partial.includes(key))].every(({ key }) => removed.get(key) === true)
  const discarded = selected.filter((summary, at) => isDiscarded(removing[at], summary)).length
  return { discarded, kept: selected.length - discarded }
}

/** The item of a selected event, as it may be removed. Undefined if it was quarantined again since it was selected. */
function itemsToRemove(
  { parts, count }: IdentifiedSummary,
  partial: ReadonlySet<string>,
  now: IdentifiedSummary | undefined,
): readonly ReadItem[] | undefined {
  if (!parts.some(({ item }) => partial.has(item.key))) return itemsOf(parts, false)
  if (!now || now.count !== count) return undefined
  return itemsOf(now.parts, false)
}

async function removeAll(
  items: readonly ReadItem[],
  reader: DiscardDependencies['reader'],
): Promise<ReadonlyMap<string, boolean>> {
  const progress = showProgress('discard', items.length)
  let done = 0
  const removed = await pLimit(CALLS_AT_ONCE).map(items, async item => {
    const isRemoved = await reader.remove(item)
    progress.at(++done, `${done} of ${items.length}`)
    return [item.key, isRemoved] as const
  })
  progress.done()
  return new Map(removed)
}
