import { createHash } from 'node:crypto'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'

/**
 * Identifies one addition to an item. An item remembers the last token of each slot: an addition that the SDK sends again after a
 * lost response, or that a function repeats, is not counted again, unless another one got the same of 16 slots meanwhile. Additions
 * with a slot of their own are never counted again.
 */
interface Token {
  readonly slot: string
  readonly text: string
}

/** An addition to the item with this key. */
export interface Addition {
  readonly table: string
  readonly key: string
  /** How many occurrences are added. */
  readonly count: number
  readonly token: Token
  /** When the item expires, in seconds since 1970. Undefined: never. Every addition renews it. */
  readonly ttl: number | undefined
}

export function tokenOf(occurrence: string, slot?: string): Token {
  const text = createHash('sha256').update(occurrence).digest('hex').slice(0, 16)
  return { slot: `added_${slot ?? text[0]}`, text }
}

const NOT_ADDED = '(attribute_not_exists(#slot) OR #slot <> :token)'

const setTtl = (ttl: number | undefined): string => (ttl === undefined ? '' : '#ttl = :ttl, ')

/** Stores an item with these attributes if its key is new. Otherwise only adds to its count, so that the first delivery is kept. */
export function storeOrCount(attributes: Readonly<Record<string, unknown>>, addition: Addition): UpdateItemCommand {
  const { table, key, count, token, ttl } = addition
  const first = { ...attributes, first: token.text }
  const names = Object.keys(first)
  const expiry = ttl === undefined ? {} : { ttl }
  const values = Object.entries({ ...first, ...expiry, count, token: token.text }).map(
    ([name, value]) => [`:${name}`, value] as const,
  )
  return new UpdateItemCommand({
    TableName: table,
    Key: marshall({ key }),
    UpdateExpression: `SET ${names.map(name => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}, ${setTtl(ttl)}#slot = :token ADD #count :count`,
    ConditionExpression: NOT_ADDED,
    ExpressionAttributeNames: {
      ...Object.fromEntries([...names, ...Object.keys(expiry), 'count'].map(name => [`#${name}`, name])),
      '#slot': token.slot,
    },
    ExpressionAttributeValues: marshall(Object.fromEntries(values)),
  })
}

/** Adds to the count of an item that is stored already. */
export const countOnly = ({ table, key, count, token, ttl }: Addition): UpdateItemCommand =>
  new UpdateItemCommand({
    TableName: table,
    Key: marshall({ key }),
    UpdateExpression: `SET ${setTtl(ttl)}#slot = :token ADD #count :count`,
    ConditionExpression: `attribute_exists(#key) AND ${NOT_ADDED}`,
    ExpressionAttributeNames: {
      '#key': 'key',
      '#count': 'count',
      '#slot': token.slot,
      ...(ttl !== undefined && { '#ttl': 'ttl' }),
    },
    ExpressionAttributeValues: marshall({
      ':count': count,
      ':token': token.text,
      ...(ttl !== undefined && { ':ttl': ttl }),
    }),
    ReturnValues: 'ALL_NEW',
  })
