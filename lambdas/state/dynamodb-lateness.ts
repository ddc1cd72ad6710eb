import { type Attributes, conditionHeld } from '../dynamodb.ts'
import type { TableTarget } from './dynamodb-access.ts'
import { type LatenessBound, planLateness, shortestLateness } from './lateness.ts'

const KEY = { pk: { S: 'stage' }, sk: { S: 'lateness' } }

/** `shortestLateness` of any window of a stage. */
export type LatenessOf = (endMs: number, deployedMs: number | undefined) => number | undefined

/** The item with the lateness bound of the stage, in the state table. */
export const latenessTable = ({ table, dynamodb }: TableTarget) => ({
  /** Reads the bound that functions have recorded by now. */
  async readLateness(): Promise<LatenessOf> {
    const stored = boundOf(await dynamodb.getItem({ TableName: table, Key: KEY, ConsistentRead: true }))
    return (endMs, deployedMs) => shortestLateness(endMs, deployedMs, stored)
  },

  /**
   * Records the bound of a function that has started, as planLateness does. Returns the bound that holds.
   * Throws if the item cannot be read or written.
   */
  async recordLateness(latenessMs: number | undefined, startedMs: number): Promise<LatenessBound> {
    while (true) {
      const { Item } = await dynamodb.getItem({ TableName: table, Key: KEY, ConsistentRead: true })
      const bound = planLateness(boundOf({ Item }), latenessMs, startedMs)
      const text = JSON.stringify(bound)
      if (text === Item?.['bound']?.S) return bound
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

function boundOf({ Item }: { readonly Item?: Attributes | undefined }): LatenessBound | undefined {
  const text = Item?.['bound']?.S
  return text === undefined ? undefined : (JSON.parse(text) as LatenessBound)
}
