import { parseExact } from '../../shared/exact-json.ts'
import { type ItemKey, type RetiredDelta, retiredKey } from '../../shared/state.ts'
import { deepFreeze } from '../../shared/stored-json.ts'
import { eachCall, type TableTarget } from './dynamodb-access.ts'
import { keyAttributes, ttlAttribute } from './dynamodb-items.ts'

const DELTAS_PER_READ = 500

/** Deltas of retired projections, in the state table. Writing and deleting them is idempotent. */
export const retiredTable = ({ table, dynamodb }: TableTarget) => ({
  /**
   * Stores deltas, with the time in epoch seconds after which DynamoDB may delete them. Without it they are kept until they are
   * merged. Those of a user are stored in the order of their numbers: another invocation may merge them meanwhile, and a window
   * that contains a delta takes none with a lower number.
   */
  storeRetired: async (deltas: readonly RetiredDelta[], ttl?: number): Promise<void> => {
    const users = Map.groupBy(
      deltas.toSorted((a, b) => a.order - b.order),
      ({ user }) => user,
    )
    await eachCall([...users.values()], async own => {
      for (const delta of own)
        await dynamodb.putItem({
          TableName: table,
          Item: { ...keyAttributes(retiredKey(delta)), delta: { S: JSON.stringify(delta) }, ...ttlAttribute(ttl) },
        })
    })
  },

  /** Some stored deltas of a projection: those of a window and user in the order of their numbers. Empty: there are no more. */
  readRetired: async (projection: string): Promise<RetiredDelta[]> => {
    let before = await readPage({ table, dynamodb }, projection)
    while (before.length > 0) {
      const read = await readPage({ table, dynamodb }, projection)
      const complete = completeUpTo(before, read)
      if (complete.length > 0) return complete
      before = read
    }
    return []
  },

  deleteRetired: async (deltas: readonly RetiredDelta[]): Promise<void> => {
    await eachCall(deltas, delta => dynamodb.deleteItem({ TableName: table, Key: keyAttributes(retiredKey(delta)) }))
  },
})

/**
 * The deltas of a second read without those that are above all that the first read saw of their window and user. A query is no
 * snapshot: it may miss a delta and return a later one of the same user, which a window must not contain first. But what was
 * stored before the first read saw a delta is in the second read.
 */
export function completeUpTo(first: readonly RetiredDelta[], second: readonly RetiredDelta[]): RetiredDelta[] {
  const ownerOf = ({ start, user }: RetiredDelta): string => `${start} ${user}`
  const last = new Map<string, number>()
  for (const delta of first) last.set(ownerOf(delta), Math.max(delta.order, last.get(ownerOf(delta)) ?? 0))
  return second.filter(delta => delta.order <= (last.get(ownerOf(delta)) ?? 0))
}

async function readPage({ table, dynamodb }: TableTarget, projection: string): Promise<RetiredDelta[]> {
  const pages = dynamodb.query({
    TableName: table,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: retiredPartition(projection) } },
    ConsistentRead: true,
    Limit: DELTAS_PER_READ,
  })
  for await (const { Items = [] } of pages)
    return Items.map(({ delta }) => deepFreeze(parseExact(delta?.S ?? '') as RetiredDelta))
  return []
}

const retiredPartition = (projection: string): ItemKey['pk'] => retiredKey({ projection, start: 0, user: '', order: 0 }).pk
