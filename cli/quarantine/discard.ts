import pLimit from 'p-limit'
import type { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import type { IdentifiedSummary } from '../../shared/quarantine.ts'
import { showProgress } from '../progress.ts'

const CALLS_AT_ONCE = 16

export interface Discarded {
  readonly discarded: number
  /** Events that were quarantined again while they were discarded, or that are gone already. */
  readonly kept: number
}

/** Deletes the items and their bodies for good. With `dryRun` it only counts them. */
export async function discardItems(
  items: readonly IdentifiedSummary[],
  reader: Pick<ReturnType<typeof quarantineReader>, 'remove'>,
  dryRun: boolean,
): Promise<Discarded> {
  if (dryRun) return { discarded: items.length, kept: 0 }
  const progress = showProgress('discard', items.length)
  let done = 0
  const removed = await pLimit(CALLS_AT_ONCE).map(items, async item => {
    const isRemoved = await reader.remove(item)
    progress.at(++done, `${done} of ${items.length}`)
    return isRemoved
  })
  progress.done()
  const discarded = removed.filter(isRemoved => isRemoved).length
  return { discarded, kept: items.length - discarded }
}
