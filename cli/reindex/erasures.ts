import pLimit from 'p-limit'
import type { StateTable } from '../../lambdas/state/dynamodb.ts'
import { isUserItem, readItem, type TableChange } from '../../lambdas/state/dynamodb-items.ts'
import type { QuarantineSummary } from '../../shared/quarantine.ts'
import type { UserItem } from '../../shared/state.ts'

const READS_AT_ONCE = 8

interface Dependencies<Summary> {
  /** Undefined or empty if the event or its body is gone. */
  readonly bodyOf: (event: Summary) => Promise<string | undefined>
  readonly table: Pick<StateTable, 'readUsers'>
}

/**
 * Leaves out missed changes that erased a user whose item has expired since: the reindex could not see the erasure, and the quarantine
 * has the only trace of it.
 */
export async function withoutLostErasures<Summary extends Pick<QuarantineSummary, 'code'>>(
  events: readonly Summary[],
  { bodyOf, table }: Dependencies<Summary>,
): Promise<Summary[]> {
  const isSeen = async (event: Summary): Promise<boolean> => {
    if (event.code !== 'changes_unread') return true
    const body = await bodyOf(event)
    if (!body) return false
    const erased = erasedBy(body)
    if (erased.length === 0) return true
    const users = await table.readUsers([...new Set(erased.map(({ user }) => user))])
    return erased.every(({ user, erasedOrder }) => (users.get(user)?.erasedOrder ?? 0) >= erasedOrder)
  }
  const seen = await pLimit(READS_AT_ONCE).map(events, isSeen)
  return events.filter((_, at) => seen[at])
}

interface ChangesBatch {
  readonly Records: readonly TableChange[]
}

/** The erased users in a batch of changes that Lambda discarded. */
function erasedBy(text: string): UserItem[] {
  const { payload = { Records: [] } } = JSON.parse(text) as { readonly payload?: ChangesBatch | string }
  const { Records } = typeof payload === 'string' ? (JSON.parse(payload) as ChangesBatch) : payload
  const items = Records.flatMap(({ dynamodb }) => (dynamodb?.NewImage ? [readItem(dynamodb.NewImage)] : []))
  return items.filter(isUserItem).filter(({ erasedOrder }) => erasedOrder > 0)
}
