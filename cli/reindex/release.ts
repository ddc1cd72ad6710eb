import pLimit from 'p-limit'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import type { IdentifiedSummary, QuarantineSummary } from '../../shared/quarantine.ts'
import { dynamodbOf, s3Of } from '../clients.ts'
import { itemsOf } from '../quarantine/bundles.ts'
import type { Target } from '../target.ts'

const ITEMS_AT_ONCE = 32

/**
 * Whether a reindex of all projections resolved the event: a document of an index that it wrote to, or changes that the documents
 * missed. It writes no raw events, no windows and no documents of revisions that are not deployed.
 */
export const isResolved = ({ code, type }: QuarantineSummary, indices: ReadonlySet<string>): boolean =>
  (code === 'changes_unread' && type === 'documents') || (code === 'document_refused' && type !== null && indices.has(type))

/** Removes the items from the quarantine, except those that were quarantined again since they were read. Returns the number removed. */
export async function release(target: Target, items: readonly IdentifiedSummary[]): Promise<number> {
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const quarantine = quarantineReader(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target))
  const limit = pLimit(ITEMS_AT_ONCE)
  // Bundles contain only what ingest rejected, which a reindex does not resolve.
  const removed = await limit.map(
    items.flatMap(({ parts }) => itemsOf(parts, false)),
    item => quarantine.remove(item),
  )
  return removed.filter(Boolean).length
}
