import type { FirstFolded } from '../../shared/state.ts'
import type { TableTarget } from './dynamodb-access.ts'
import { type ItemImage, itemKeyOf, keyAttributes } from './dynamodb-items.ts'
import { planFirstFolded } from './first-folded.ts'

const SHARD = 'shard#'
const FIRST_FOLDED = 'first-folded'

/** The notes of the shards in the state table about which projections their records were folded with. */
export const firstFoldedTable = ({ table, dynamodb }: TableTarget) => ({
  /** Notes that a function with these projections reads a shard from this record on. Writes only if that is new. */
  async recordProjections(shard: string, keys: readonly string[], sequenceNumber: string): Promise<void> {
    const key = keyAttributes({ pk: `${SHARD}${shard}`, sk: FIRST_FOLDED })
    const { Item } = await dynamodb.getItem({ TableName: table, Key: key, ConsistentRead: true })
    const stored = Item?.['projections']?.S
    const text = JSON.stringify(planFirstFolded(stored === undefined ? undefined : JSON.parse(stored), keys, sequenceNumber))
    if (text !== stored) await dynamodb.putItem({ TableName: table, Item: { ...key, projections: { S: text } } })
  },
})

/** The shard and its note; undefined for another item. */
export function readFirstFolded(item: ItemImage): readonly [shard: string, note: FirstFolded] | undefined {
  const { pk, sk } = itemKeyOf(item)
  const text = item['projections']?.S
  return sk === FIRST_FOLDED && pk.startsWith(SHARD) && text ? [pk.slice(SHARD.length), JSON.parse(text)] : undefined
}
