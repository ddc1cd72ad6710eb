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
 */
export async function unpackBundle(key: string, dependencies: UnpackDependencies): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const item = await dependencies.bundles.read(key)
    if (!item) return
    const upTo = item.unpacking ?? item.count
    if (item.unpacking !== undefined || (await dependencies.bundles.beginUnpacking(item)))
      await unpackUpTo(upTo, item, dependencies)
  }
  throw new SafeError('A bundle of the quarantine is quarantined again all the time, or its object is missing. Try again later.')
}

async function unpackUpTo(upTo: number, item: BundleItem, { bundles, quarantine }: UnpackDependencies): Promise<void> {
  const events = await bundles.readEvents(item)
  if (!events) return
  const times = upTo - (item.unpacked ?? 0)
  const counted = events.map(({ count = 1, ...event }) => ({ ...event, count: count * times }))
  await quarantine.addUnpacked(counted, item.key, `${item.key}#${item.first}#${upTo}`)
  await bundles.endUnpacking(item, upTo)
}
