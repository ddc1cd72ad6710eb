import { SafeError } from '../../shared/safe-error.ts'
import type { QuarantineStore } from './dynamodb.ts'
import type { BundleItem, BundleStore } from './dynamodb-bundles.ts'

const MAX_ROUNDS = 20

export interface UnpackDependencies {
  readonly bundles: BundleStore
  readonly quarantine: Pick<QuarantineStore, 'addUnpacked'>
}

/**
 * Turns the events of a bundle into items, so that they can be replayed and discarded one by one. Can be repeated after it broke
 * off, also beside another that does the same: the count up to which it adds is noted first, and is part of each addition's token.
 * A bundle whose object is gone is left as it is: no list contains its events.
 */
export async function unpackBundle(key: string, dependencies: UnpackDependencies): Promise<void> {
  let gone: string | undefined
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const item = await dependencies.bundles.read(key)
    if (!item || item.object === gone) return
    const upTo = item.unpacking ?? item.count
    if (item.unpacking !== undefined || (await dependencies.bundles.beginUnpacking(item)))
      gone = (await unpackUpTo(upTo, item, dependencies)) ? undefined : item.object
  }
  throw new SafeError('A bundle of the quarantine is quarantined again all the time. Try again later.')
}

/** Returns whether the object with its events exists. */
async function unpackUpTo(upTo: number, item: BundleItem, { bundles, quarantine }: UnpackDependencies): Promise<boolean> {
  const events = await bundles.readEvents(item)
  if (!events) return false
  const times = upTo - (item.unpacked ?? 0)
  const counted = events.map(({ count = 1, ...event }) => ({ ...event, count: count * times }))
  await quarantine.addUnpacked(counted, item.key, `${item.key}#${item.first}#${upTo}`)
  await bundles.endUnpacking(item, upTo)
  return true
}
