import pLimit from 'p-limit'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { projections } from '../../shared/catalogue.ts'
import type { QuarantineSummary } from '../../shared/quarantine.ts'
import { rejections } from '../../shared/rejections.ts'
import { dynamodbOf, s3Of } from '../clients.ts'
import { collectedItems } from '../quarantine/scan.ts'
import type { Target } from '../target.ts'

const ITEMS_AT_ONCE = 32

/** What stands in the quarantine now and a reindex of all projections mends. */
export const findResolvable = async (target: Target): Promise<QuarantineSummary[]> =>
  (await collectedItems(target)).filter(isResolvable)

/** Documents of projections, of whatever revision, and changes that the documents missed; not raw events, nor windows. */
export function isResolvable({ code, message, type }: QuarantineSummary): boolean {
  if (code === 'changes_unread') return message === rejections.changes_unread.help
  const [name] = type?.split(/-r\d+$/) ?? []
  return code === 'document_refused' && projections.some(projection => projection.name === name)
}

/** Lets these items leave the quarantine, but for those that came again since they were found; returns how many left. */
export async function release(target: Target, items: readonly QuarantineSummary[]): Promise<number> {
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const aside = quarantineReader(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target))
  const limit = pLimit(ITEMS_AT_ONCE)
  const left = await Promise.all(items.map(item => limit(() => aside.remove(item))))
  return left.filter(Boolean).length
}
