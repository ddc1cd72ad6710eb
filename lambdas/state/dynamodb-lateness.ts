import { conditionHeld } from '../dynamodb.ts'
import type { TableTarget } from './dynamodb-access.ts'
import { type LatenessBound, planLateness } from './lateness.ts'

const KEY = { pk: { S: 'stage' }, sk: { S: 'lateness' } }

/** The item with the lateness bound of the stage, in the state table. */
export const latenessTable = ({ table, dynamodb }: TableTarget) => ({
  /**
   * Records the bound of a function that has started, as planLateness does. Returns the bound that holds.
   * Throws if the item cannot be read or written.
   */
  async recordLateness(latenessMs: number | undefined, arrivedMs: number): Promise<LatenessBound> {
    while (true) {
      const { Item } = await dynamodb.getItem({ TableName: table, Key: KEY, ConsistentRead: true })
      const stored = Item?.['bound']?.S
      const bound = planLateness(stored === undefined ? undefined : (JSON.parse(stored) as LatenessBound), latenessMs, arrivedMs)
      const text = JSON.stringify(bound)
      if (text === stored) return bound
      const version = Number(Item?.['version']?.N ?? 0)
      const written = dynamodb.putItem({
        TableName: table,
        Item: { ...KEY, version: { N: String(version + 1) }, bound: { S: text } },
        ConditionExpression: Item ? 'version = :read' : 'attribute_not_exists(pk)',
        ExpressionAttributeValues: Item && { ':read': { N: String(version) } },
      })
      if (await conditionHeld(written)) return bound
    }
  },
})
