import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { UserItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { type JudgeRules, positionsOf, undecidedEvents, userOf } from './judge-records.ts'
import type { UnfinishedRecord } from './plan-failures.ts'

export interface JudgeDependencies {
  readonly table: Pick<StateTable, 'readUsers' | 'readPassedOver' | 'readQuarantined' | 'markQuarantined'>
  readonly quarantine: Quarantine
  readonly rules: JudgeRules
}

/**
 * The events of a batch that the state function did not finish and that are in no state: they must be quarantined. Throws if the
 * state table could not be read: then the batch is judged again in the next run.
 */
export async function judgeBatch(
  records: readonly UnfinishedRecord[],
  { table, quarantine, rules }: JudgeDependencies,
): Promise<QuarantinedEvent[]> {
  const users = [...new Set(records.flatMap(record => userOf(record, rules) ?? []))]
  const items = await table.readUsers(users)
  if (items.size < users.length)
    throw new SafeError('Users of a batch that Lambda gave up could not be read. The next run judges the batch again.')
  for (const item of items.values()) if (item) await settle(item, { table, quarantine })
  const events: QuarantinedEvent[] = []
  for (const record of records) {
    const user = userOf(record, rules)
    const settled = user === null ? [] : await table.readQuarantined(user, positionsOf(record, rules))
    events.push(...undecidedEvents(record, user === null ? undefined : items.get(user), settled, rules))
  }
  return events
}

/** Quarantines what the last write of the item passed over: the attempt that wrote it may have ended before it did. */
async function settle({ user, passedOver }: UserItem, { table, quarantine }: Omit<JudgeDependencies, 'rules'>): Promise<void> {
  const waiting = await table.readPassedOver(user, passedOver)
  if (waiting.length === 0) return
  await quarantine.add(waiting.map(({ event }) => event))
  await table.markQuarantined(
    user,
    waiting.map(({ at }) => at),
  )
}
