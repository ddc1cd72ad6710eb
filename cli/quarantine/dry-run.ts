import type { BundleStore } from '../../lambdas/quarantine/dynamodb-bundles.ts'
import {
  type IdentifiedSummary,
  quarantineKey,
  type ReplayOutcome,
  type ReplayRequest,
  type StoredQuarantinedEvent,
} from '../../shared/quarantine.ts'
import { splitBySize } from '../../shared/split-by-size.ts'
import { showProgress } from '../progress.ts'
import { bundlesOf } from './bundles.ts'

const KEYS_PER_CALL = 100
const BUNDLED_PER_CALL = 1_000
/** Lambda accepts 6 MB. */
const BYTES_PER_CALL = 4 * 2 ** 20

export interface DryRunDependencies {
  readonly bundles: Pick<BundleStore, 'read' | 'readEvents'>
  readonly call: (request: ReplayRequest) => Promise<readonly ReplayOutcome[]>
}

/**
 * The outcomes that a replay of these events would have. Nothing is written: events that are only in bundles are sent to the
 * function, which a replay does not do, as it needs items of them.
 */
export async function judgeItems(
  items: readonly IdentifiedSummary[],
  { bundles, call }: DryRunDependencies,
): Promise<ReplayOutcome[]> {
  const progress = showProgress('dry run', items.length)
  const outcomes: ReplayOutcome[] = []
  const judge = async (request: Omit<ReplayRequest, 'dryRun'>): Promise<void> => {
    outcomes.push(...(await call({ ...request, dryRun: true })))
    progress.at(outcomes.length, `${outcomes.length} of ${items.length}`)
  }
  const bundled = items.filter(isOnlyInBundles)
  const keys = items.filter(item => !isOnlyInBundles(item)).map(({ key }) => key)
  for (let at = 0; at < keys.length; at += KEYS_PER_CALL) await judge({ keys: keys.slice(at, at + KEYS_PER_CALL) })
  const wanted = new Set(bundled.map(({ key }) => key))
  for (const key of bundlesOf(bundled)) {
    const events = (await eventsOf(key, bundles)).filter(event => wanted.delete(event.key))
    for (const some of splitBySize(events, event => Buffer.byteLength(JSON.stringify(event)), BUNDLED_PER_CALL, BYTES_PER_CALL))
      await judge({ keys: [], bundled: some })
  }
  progress.done()
  return outcomes
}

const isOnlyInBundles = ({ parts }: IdentifiedSummary): boolean => parts.every(({ isBundle }) => isBundle)

/** The events of a bundle. None if it is gone. */
async function eventsOf(key: string, bundles: DryRunDependencies['bundles']): Promise<StoredQuarantinedEvent[]> {
  const bundle = await bundles.read(key)
  const events = (bundle && (await bundles.readEvents(bundle))) ?? []
  return events.map(event => ({ ...event, key: quarantineKey(event), count: event.count ?? 1 }))
}
