import type { FoldAttempts, ItemKey } from '../../shared/state.ts'
import { getItem, putIf, type TableTarget } from './dynamodb-access.ts'
import { keyAttributes, ttlAttribute } from './dynamodb-items.ts'

/** Longer than a stream keeps a record. */
const ATTEMPTS_TTL_SECONDS = 8 * 86_400
/** Sequence numbers have up to 56 digits. Padded, they compare as text. */
const SEQUENCE_NUMBER_DIGITS = 60

const attemptsKey = (user: string, sequenceNumber: string): ItemKey => ({ pk: `attempts#${user}`, sk: sequenceNumber })

const progressKey = (shard: string): ItemKey => ({ pk: `shard#${shard}`, sk: 'progress' })

/** How far the stream was processed, and attempts that ended in a fold, in the state table. */
export const attemptsTable = (target: TableTarget) => ({
  /** Earlier attempts to fold a user's records that begin with this one. */
  readAttempts: async (user: string, sequenceNumber: string): Promise<FoldAttempts | undefined> => {
    const text = await getItem(target, attemptsKey(user, sequenceNumber), ({ attempts }) => attempts?.S)
    return text === undefined ? undefined : (JSON.parse(text) as FoldAttempts)
  },

  writeAttempts: async (user: string, sequenceNumber: string, attempts: FoldAttempts): Promise<void> => {
    const ttl = Math.floor(attempts.since / 1000) + ATTEMPTS_TTL_SECONDS
    const item = { attempts: { S: JSON.stringify(attempts) }, ...ttlAttribute(ttl) }
    await target.dynamodb.putItem({
      TableName: target.table,
      Item: { ...keyAttributes(attemptsKey(user, sequenceNumber)), ...item },
    })
  },

  /** Records that the shard was processed up to this sequence number. A smaller number never replaces a greater one. */
  recordProgress: async (shard: string, sequenceNumber: string): Promise<void> => {
    const seq = { S: sequenceNumber.padStart(SEQUENCE_NUMBER_DIGITS, '0') }
    const item = { ...keyAttributes(progressKey(shard)), seq }
    await putIf(target, item, 'attribute_not_exists(pk) OR seq < :seq', { ':seq': seq })
  },

  /** The last sequence number that was processed of each of these shards. */
  readProgress: async (shards: readonly string[]): Promise<Map<string, string>> => {
    const read = shards.map(async shard => [shard, await getItem(target, progressKey(shard), ({ seq }) => seq?.S)] as const)
    return new Map((await Promise.all(read)).flatMap(([shard, last]) => (last === undefined ? [] : [[shard, last] as const])))
  },
})
