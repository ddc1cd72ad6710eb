import { createHash } from 'node:crypto'
import { UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'

/**
 * Identifies one addition to an item. An item remembers the last token of each slot: an addition that the SDK sends again after a
 * lost response, or that a function repeats, is not counted again, unless another one got the same of 16 slots meanwhile.
 */
interface Token {
  readonly slot: string
  readonly text: string
}

/** The attribute with the marks of the unpackings that added to an item. */
export const MARKS = 'added_unpackings'

/** The marks of an item before and after an unpacking adds to it, separated by spaces. Undefined: it has none. */
export interface Marks {
  readonly before: string | undefined
  readonly after: string
}

/** An addition to the item with this key. */
export interface Addition {
  readonly table: string
  readonly key: string
  /** How many occurrences are added. */
  readonly count: number
  readonly token: Token
  /** Tokens of other occurrences that are added with it, and may be added again without it. */
  readonly others: readonly Token[]
  /** Of an addition by an unpacking: it is noted here, and not in the slots. */
  readonly marks?: Marks
  /** When the item expires, in seconds since 1970. Undefined: never. Every addition renews it. */
  readonly ttl: number | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

export function tokenOf(occurrence: string, slot?: string): Token {
  const text = createHash('sha256').update(occurrence).digest('hex').slice(0, 16)
  return { slot: `added_${slot ?? text[0]}`, text }
}

const NOT_ADDED = '(attribute_not_exists(#slot) OR #slot <> :token)'
const notAdded = ({ marks }: Addition): string => {
  if (marks === undefined) return NOT_ADDED
  return `${NOT_ADDED} AND ${marks.before === undefined ? 'attribute_not_exists(#marks)' : '#marks = :before'}`
}
/** DynamoDB deletes an expired item days later. Until then it is as if it were gone. */
const NOT_EXPIRED = '(attribute_not_exists(#ttl) OR #ttl > :now)'
const EXPIRED = '#ttl <= :now'

/** Attributes that not every item has. */
const OPTIONAL_ATTRIBUTES = [
  ...['keyId', 'clientSource', 'subject', 'size', 'mayHaveBeenFolded', 'body', 'object'],
  ...['replayed', 'sentAt', 'unpacked', 'unpacking', 'ttl', MARKS],
]

type ItemAttributes = Readonly<Record<string, unknown>>

/** Stores an item with these attributes if its key is new. Otherwise only adds to its count, so that the first delivery is kept. */
export function storeOrCount(attributes: ItemAttributes, addition: Addition): UpdateItemCommand {
  const first = beginning(attributes, addition)
  const set = Object.keys(first).map(name => `#${name} = if_not_exists(#${name}, :${name})`)
  return update(addition, first, {
    UpdateExpression: `SET ${[...set, ...renewed(addition)].join(', ')} ADD #count :count`,
    ConditionExpression: `${NOT_EXPIRED} AND ${notAdded(addition)}`,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
}

/** Begins an item again that has expired. */
export function beginAgain(attributes: ItemAttributes, addition: Addition): UpdateItemCommand {
  const again = beginning(attributes, addition)
  const set = Object.keys(again).map(name => `#${name} = :${name}`)
  const { ttl, marks } = addition
  const kept = new Set([...Object.keys(again), ...(ttl === undefined ? [] : ['ttl']), ...(marks === undefined ? [] : [MARKS])])
  const removed = OPTIONAL_ATTRIBUTES.filter(name => !kept.has(name)).map(name => `#${name}`)
  return update(addition, again, {
    UpdateExpression: `SET ${[...set, '#count = :count', ...renewed(addition)].join(', ')} REMOVE ${removed.join(', ')}`,
    ConditionExpression: EXPIRED,
  })
}

/** Adds to the count of an item that is stored already. */
export const countOnly = (addition: Addition): UpdateItemCommand =>
  update(
    addition,
    {},
    {
      UpdateExpression: `SET ${renewed(addition).join(', ')} ADD #count :count`,
      ConditionExpression: `attribute_exists(#key) AND ${NOT_EXPIRED} AND ${NOT_ADDED}`,
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  )

/** What the first addition to an item sets. */
const beginning = (attributes: ItemAttributes, { token }: Addition): ItemAttributes => ({ ...attributes, first: token.text })

/** What every addition sets. */
const renewed = ({ token, others, marks, ttl }: Addition): string[] => [
  ...(ttl === undefined ? [] : ['#ttl = :ttl']),
  ...(marks === undefined ? slotsOf({ token, others }).map((_, n) => `#slot${n} = :slot${n}`) : ['#marks = :marks']),
]

/** Slots and their tokens. Of several tokens for one slot, the first counts. */
const slotsOf = ({ token, others }: Pick<Addition, 'token' | 'others'>): [slot: string, text: string][] => [
  ...new Map([token, ...others].toReversed().map(({ slot, text }) => [slot, text])),
]

/** An update with exactly the placeholders that its expressions have: `#name` and `:name`. */
function update(
  { table, key, count, token, others, marks, ttl, now }: Addition,
  attributes: ItemAttributes,
  expressions: Pick<
    UpdateItemCommandInput,
    'UpdateExpression' | 'ConditionExpression' | 'ReturnValues' | 'ReturnValuesOnConditionCheckFailure'
  >,
): UpdateItemCommand {
  const slots = slotsOf({ token, others })
  const names = new Map([['slot', token.slot], ['marks', MARKS], ...slots.map(([slot], n) => [`slot${n}`, slot] as const)])
  const values: ItemAttributes = {
    ...{ ...attributes, count, ttl, now: now / 1000, token: token.text, marks: marks?.after, before: marks?.before },
    ...Object.fromEntries(slots.map(([, text], n) => [`slot${n}`, text])),
  }
  const text = `${expressions.UpdateExpression} ${expressions.ConditionExpression}`
  const used = (pattern: RegExp) =>
    [...new Set(text.match(pattern))].map(placeholder => [placeholder, placeholder.slice(1)] as const)
  return new UpdateItemCommand({
    TableName: table,
    Key: marshall({ key }),
    ...expressions,
    ExpressionAttributeNames: Object.fromEntries(
      used(/#\w+/g).map(([placeholder, name]) => [placeholder, names.get(name) ?? name]),
    ),
    ExpressionAttributeValues: marshall(
      Object.fromEntries(used(/:\w+/g).map(([placeholder, name]) => [placeholder, values[name]])),
    ),
  })
}
