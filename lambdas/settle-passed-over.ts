import { occurrenceAt, type Quarantine } from '../shared/quarantine.ts'
import type { UserItem } from '../shared/state.ts'
import type { StateTable } from './state/dynamodb.ts'
import type { PassedOverEvent } from './state/dynamodb-passed-over.ts'

export interface SettleDependencies {
  readonly table: Pick<StateTable, 'readPassedOver' | 'markQuarantined'>
  readonly quarantine: Quarantine
  /** When DynamoDB may delete the marks, in seconds since 1970. */
  readonly marksExpire: number
}

/**
 * Quarantines the events that the last write of a user's item passed over, unless that is done already. Whoever made the write may
 * have ended before it did. So does every function that comes across the item.
 */
export async function settlePassedOver(
  { user, passedOver }: Pick<UserItem, 'user' | 'passedOver'>,
  dependencies: SettleDependencies,
): Promise<void> {
  if (passedOver.length === 0) return
  await quarantinePassedOver(user, await dependencies.table.readPassedOver(user, passedOver), dependencies)
}

export async function quarantinePassedOver(
  user: string,
  events: readonly PassedOverEvent[],
  { table, quarantine, marksExpire }: SettleDependencies,
): Promise<void> {
  if (events.length === 0) return
  await quarantine.add(events.map(({ at, event }) => ({ ...event, occurrence: occurrenceAt(at) })))
  await table.markQuarantined(
    user,
    events.map(({ at }) => at),
    marksExpire,
  )
}
