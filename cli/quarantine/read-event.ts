import { bundleStore, type QuarantineStores } from '../../lambdas/quarantine/dynamodb-bundles.ts'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { type IdentifiedSummary, quarantineKey, type StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import { itemsOf } from './bundles.ts'

/** A listed event with its body, from its item or else from a bundle. Undefined if it is gone. */
export async function readEvent(
  { key, count, parts }: IdentifiedSummary,
  stores: QuarantineStores,
): Promise<StoredQuarantinedEvent | undefined> {
  const stored = await quarantineReader(stores.table, stores.bucket, stores.dynamodb, stores.s3, stores.now).read(key)
  if (stored) return { ...stored, count }
  const [bundle] = itemsOf(parts, true)
  const item = bundle && (await bundleStore(stores).read(bundle.key))
  const events = item && (await bundleStore(stores).readEvents(item))
  const event = events?.find(each => quarantineKey(each) === key)
  if (!event) return undefined
  const { wholeKey: _wholeKey, ...shown } = event
  return { ...shown, key, count }
}
