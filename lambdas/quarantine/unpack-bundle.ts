import { SafeError } from '../../shared/safe-error.ts'
import type { QuarantineStore } from './dynamodb.ts'
import { type BundleItem, type BundleStore, markOf } from './dynamodb-bundles.ts'

/** Two rounds are enough unless other functions unpack the same bundle. */
const MAX_ROUNDS = 20

export interface UnpackDependencies {
  readonly bundles: BundleStore
  readonly quarantine: Pick<QuarantineStore, 'addUnpacked'>
}

/**
 * Turns the events of a bundle into items, so that they can be replayed and discarded one by one. Can be repeated after it broke
 * off, also beside another that does the same: the count up to which it adds is noted first, and is part of its mark.
 * Ends when the occurrences that the bundle had at first are items: those that are added meanwhile stay in the bundle. A bundle whose
 * object is gone ends without adding anything: no list contains its events.
 */
export async function unpackBundle(key: string, dependencies: UnpackDependencies): Promise<void> {
  const { bundles } = dependencies
  const wanted = await bundles.read(key)
  let item = wanted
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!item || !wanted || isUnpacked(item, wanted)) return
    const hasBegun = item.unpacking !== undefined || (await bundles.beginUnpacking(item))
    if (hasBegun) await unpackUpTo(item.unpacking ?? item.count, item, dependencies)
    item = await bundles.read(key)
  }
  throw new SafeError('Other functions unpack the same bundle of the quarantine. Try again later.')
}

/** Whether the occurrences that a bundle had are items, or gone: then it was removed and stored again. */
const isUnpacked = ({ first, unpacked = 0 }: BundleItem, wanted: BundleItem): boolean =>
  first !== wanted.first || unpacked >= wanted.count

/** Without the object, nobody can add the rest of the events any more: those that were added must not wait for it. */
async function unpackUpTo(upTo: number, item: BundleItem, { bundles, quarantine }: UnpackDependencies): Promise<void> {
  const events = await bundles.readEvents(item)
  const times = upTo - (item.unpacked ?? 0)
  const counted = events?.map(({ count = 1, ...event }) => ({ ...event, count: count * times }))
  if (counted) await quarantine.addUnpacked(counted, item.key, { mark: markOf(item, upTo), isUnfinished: bundles.isUnfinished })
  await bundles.endUnpacking(item, upTo)
}
