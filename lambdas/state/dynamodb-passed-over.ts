import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { type EventPosition, passedOverKey } from '../../shared/state.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'
import { batchGet, eachCall, type TableTarget } from './dynamodb-access.ts'
import { itemKeyOf, keyAttributes, ttlAttribute } from './dynamodb-items.ts'

/** An event that a write passes over, as it is quarantined. */
export interface PassedOverEvent {
  readonly at: EventPosition
  readonly event: QuarantinedEvent
}

/** Events that writes pass over, in the state table: an item for each. */
export const passedOverTable = (target: TableTarget) => ({
  /**
   * Stores events that a write will pass over, with the time in epoch seconds after which DynamoDB may delete them. Another
   * attempt may have stored an event before, or quarantined it already: then nothing is written.
   */
  storePassedOver: async (user: string, events: readonly PassedOverEvent[], ttl: number): Promise<void> => {
    await eachCall(events, ({ at, event }) => {
      const item = { ...keyAttributes(passedOverKey(user, at)), event: { S: JSON.stringify(event) }, ...ttlAttribute(ttl) }
      const put = { TableName: target.table, Item: item, ConditionExpression: 'attribute_not_exists(pk)' }
      return conditionHeld(target.dynamodb.putItem(put))
    })
  },

  /** The events at these positions that are not marked as quarantined. Throws if an item could not be read. */
  readPassedOver: async (user: string, positions: readonly EventPosition[]): Promise<PassedOverEvent[]> => {
    const found = await readItems(target, user, positions)
    return positions.flatMap(at => {
      const event = found.get(passedOverKey(user, at).sk)?.['event']?.S
      return event === undefined ? [] : [{ at, event: JSON.parse(event) as QuarantinedEvent }]
    })
  },

  /** Those of these positions whose events are marked as quarantined. Throws if an item could not be read. */
  readQuarantined: async (user: string, positions: readonly EventPosition[]): Promise<EventPosition[]> => {
    const found = await readItems(target, user, positions)
    return positions.filter(at => found.get(passedOverKey(user, at).sk)?.['quarantined']?.BOOL === true)
  },

  /**
   * Marks events as quarantined, so that no later attempt quarantines them once more, with the time in epoch seconds after which
   * DynamoDB may delete the marks.
   */
  markQuarantined: async (user: string, positions: readonly EventPosition[], ttl: number): Promise<void> => {
    await eachCall(positions, at =>
      target.dynamodb.updateItem({
        TableName: target.table,
        Key: keyAttributes(passedOverKey(user, at)),
        UpdateExpression: 'SET quarantined = :yes, #ttl = :ttl REMOVE event',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: { ':yes': { BOOL: true }, ':ttl': { N: String(ttl) } },
      }),
    )
  },
})

/** The items at these positions, by sort key. */
async function readItems(
  target: TableTarget,
  user: string,
  positions: readonly EventPosition[],
): Promise<Map<string, Attributes>> {
  const keys = positions.map(at => passedOverKey(user, at))
  const { items, unread } = await batchGet(target, keys)
  if (unread.length > 0) throw new SafeError('Events that a write passed over could not be read.')
  return new Map(items.map(item => [itemKeyOf(item).sk, item]))
}
