import { randomUUID } from 'node:crypto'
import { DynamoDBClient, paginateScan, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { conditionHeld, refusedWrite } from '../dynamodb.ts'

/** A request must not wait longer for a date that nobody may read. */
const TIMEOUT_MS = 500

/** Notes on which day each key was last used. */
export interface KeyUse {
  /** Never throws: a request does not fail because its key's use is not noted. */
  note(keyId: string): Promise<void>
}

/** The UTC day of an instant in milliseconds since 1970: `2026-01-31`. */
const dayOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10)

/** Writes at most once for each key and day; other environments that do the same find the condition failed. */
export function keyUse(table: string, client = new DynamoDBClient({}), now: () => number = Date.now): KeyUse {
  const noted = new Map<string, string>()
  return {
    async note(keyId) {
      const day = dayOf(now())
      if (noted.get(keyId) === day) return
      noted.set(keyId, day)
      const write = client.send(noteOf(keyId, day, table), { abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
      // The next reader of the key, or the next day, notes it.
      await conditionHeld(write).catch(() => noted.delete(keyId))
    },
  }
}

const noteOf = (keyId: string, day: string, table: string): UpdateItemCommand =>
  new UpdateItemCommand({
    TableName: table,
    Key: { id: { S: keyId } },
    UpdateExpression: 'SET lastUsed = :day',
    ConditionExpression: 'attribute_not_exists(lastUsed) OR lastUsed < :day',
    ExpressionAttributeValues: { ':day': { S: day } },
  })

/** Marks in the key's item that its quota of a day is spent. */
export const spentMarks = (table: string, client = new DynamoDBClient({})) => ({
  /** Whether nobody had marked it before. Throws if the table cannot be written. */
  async markSpent(keyId: string, day: string): Promise<boolean> {
    const by = randomUUID()
    const write = client.send(markOf(keyId, day, by, table), { abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
    const refused = await refusedWrite(write)
    return refused === undefined || refused.item?.['spentBy']?.S === by
  },
})

const markOf = (keyId: string, day: string, by: string, table: string): UpdateItemCommand =>
  new UpdateItemCommand({
    TableName: table,
    Key: { id: { S: keyId } },
    UpdateExpression: 'SET spentDay = :day, spentBy = :by',
    ConditionExpression: 'attribute_not_exists(spentDay) OR spentDay < :day',
    ExpressionAttributeValues: { ':day': { S: day }, ':by': { S: by } },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })

/** What is known of the use of a key. */
export interface ListedUse {
  /** A UTC day. Null: never. */
  readonly lastUsed: string | null
  /** Events since the beginning of the UTC day, as far as they are reported. Null if the key has no quota. */
  readonly today: number | null
}

const DAY_MS = 86_400_000

/** The use of all keys by id. */
export async function listUse(table: string, client: DynamoDBClient, now: number): Promise<ReadonlyMap<string, ListedUse>> {
  const uses = new Map<string, ListedUse>()
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table }))
    for (const { id, lastUsed, day, dayEvents } of Items) {
      const isToday = Number(day?.N) === Math.floor(now / DAY_MS)
      uses.set(id?.S ?? '', { lastUsed: lastUsed?.S ?? null, today: day ? (isToday ? Number(dayEvents?.N) : 0) : null })
    }
  return uses
}
