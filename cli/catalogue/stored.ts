import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import type { Client } from '@opensearch-project/opensearch'
import { itemKeyOf, readUserItem } from '../../lambdas/state/dynamodb-items.ts'
import { projections } from '../../shared/catalogue.ts'
import { standingOf } from '../../shared/revisions.ts'
import { isUserItemKey, projectionOfKey } from '../../shared/state.ts'
import { dynamodbOf, searchOf } from '../clients.ts'
import type { Target } from '../target.ts'

/** What a stage stores of one revision of a projection. */
export interface StoredProjection {
  /** Name and revision: also the name of its index. */
  readonly projection: string
  /** In OpenSearch; null if it has no index. */
  readonly documents: number | null
  /** The names under which its index is found. */
  readonly aliases: readonly string[]
  /** States in the items of users. */
  readonly states: number
  /** Items of windows, of their users, and of deltas that are kept for a roll-back. */
  readonly windows: number
}

/** What a stage stores of projections that were removed or replaced, in the order of their names. Reads the whole state table. */
export async function readGone(target: Target): Promise<StoredProjection[]> {
  const search = await searchOf(target)
  const indices = search ? await readIndices(search) : new Map<string, IndexFacts>()
  const counts = await countItems(dynamodbOf(target), target.outputs.StateTable)
  const keys = [...new Set([...indices.keys(), ...counts.keys()])].filter(key => isGone(key, target)).sort()
  return keys.map(key => ({
    projection: key,
    ...(indices.get(key) ?? { documents: null, aliases: [] }),
    ...(counts.get(key) ?? { states: 0, windows: 0 }),
  }))
}

/** Whether nothing uses the projection: neither the code of this folder nor the deployed functions have it, and nobody waits for it. */
const isGone = (key: string, { outputs }: Target): boolean =>
  standingOf(key, projections) === 'retired' && !outputs.Projections.split(',').includes(key)

type IndexFacts = Pick<StoredProjection, 'documents' | 'aliases'>

async function readIndices(client: Client): Promise<Map<string, IndexFacts>> {
  const { body: indices } = await client.cat.indices({ format: 'json', h: ['index', 'docs.count'] })
  const { body: aliases } = await client.indices.getAlias()
  return new Map(
    (indices as { index: string; 'docs.count': string | null }[]).map(({ index, 'docs.count': count }) => [
      index,
      { documents: Number(count ?? 0), aliases: Object.keys(aliases[index]?.aliases ?? {}) },
    ]),
  )
}

type ItemCounts = Pick<StoredProjection, 'states' | 'windows'>

async function countItems(client: DynamoDBClient, table: string): Promise<Map<string, ItemCounts>> {
  const counts = new Map<string, ItemCounts>()
  const add = (key: string, states: number, windows: number) => {
    const before = counts.get(key) ?? { states: 0, windows: 0 }
    counts.set(key, { states: before.states + states, windows: before.windows + windows })
  }
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true }))
    for (const item of Items) {
      const { states, part } = projectionsIn(item)
      for (const key of states) add(key, 1, 0)
      if (part !== undefined) add(part, 0, 1)
    }
  return counts
}

/** The projections with a state in the item of a user, or the one that another item belongs to. */
export function projectionsIn(item: Record<string, AttributeValue>): {
  readonly states: readonly string[]
  readonly part: string | undefined
} {
  const key = itemKeyOf(item)
  const states = isUserItemKey(key) ? Object.keys(readUserItem(item).states) : []
  return { states, part: projectionOfKey(key) }
}
