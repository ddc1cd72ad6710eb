import { occurrenceAt, type Quarantine, type QuarantinedEvent } from '../shared/quarantine.ts'
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
 * Quarantines the events that the last write of a user's item passed over, unless that is done already. The function that made the
 * write may have ended right after it, so every function that reads the item does this.
 */
export async function settlePassedOver(
  { user, passedOver }: Pick<UserItem, 'user' | 'passedOver'>,
  dependencies: SettleDependencies,
): Promise<void> {
  if (passedOver.length === 0) return
  await quarantinePassedOver(user, await dependencies.table.readPassedOver(user, passedOver), dependencies)
}

/** Quarantines events that a write has passed over, and marks them. */
export async function quarantinePassedOver(
  user: string,
  events: readonly PassedOverEvent[],
  { table, quarantine, marksExpire }: SettleDependencies,
): Promise<void> {
  if (events.length === 0) return
  await quarantine.add(events.map(asOccurrence))
  await table.markQuarantined(
    user,
    events.map(({ at }) => at),
    marksExpire,
  )
}

/** The event as one occurrence: adding it to the quarantine again counts nothing. */
export const asOccurrence = ({ at, event }: PassedOverEvent): QuarantinedEvent => ({ ...event, occurrence: occurrenceAt(at) })
