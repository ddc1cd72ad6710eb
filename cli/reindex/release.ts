import pLimit from 'p-limit'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { projections } from '../../shared/catalogue.ts'
import type { QuarantineSummary } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import { dynamodbOf, s3Of } from '../clients.ts'
import { collectedItems } from '../quarantine/scan.ts'
import type { Target } from '../target.ts'

const ITEMS_AT_ONCE = 32

/** The quarantined events that a reindex of all projections resolves. */
export const findResolvable = async (target: Target): Promise<QuarantineSummary[]> =>
  (await collectedItems(target)).filter(isResolvable)

/**
 * Whether a reindex of all projections resolves the event: a document of a projection, of any revision, or changes that the
 * documents missed. It writes no raw events and no windows.
 */
export function isResolvable({ code, message, type }: QuarantineSummary): boolean {
  if (code === 'changes_unread') return message === rejections.changes_unread.help
  const [name] = type?.split(/-r\d+$/) ?? []
  return code === 'document_refused' && projections.some(projection => projection.name === name)
}

/** Removes the items from the quarantine, except those that were quarantined again since they were read. Returns the number removed. */
export async function release(target: Target, items: readonly QuarantineSummary[]): Promise<number> {
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const quarantine = quarantineReader(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target))
  const limit = pLimit(ITEMS_AT_ONCE)
  const removed = await Promise.all(items.map(item => limit(() => quarantine.remove(item))))
  return removed.filter(Boolean).length
}
