import { type AttributeValue, ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import type { Attributes } from '../../lambdas/dynamodb.ts'

interface Command {
  readonly constructor: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: the input of any of several commands
  readonly input: any
}

/** The quarantine's table and bucket in memory: clients that implement the few calls that the product makes. */
export function quarantineStores() {
  const items = new Map<string, Attributes>()
  const objects = new Map<string, Uint8Array>()
  const asked: string[] = []
  const handlers: Record<string, (input: Command['input']) => unknown> = {
    ScanCommand: input => scan([...items.values()], input),
    GetItemCommand: ({ Key }) => ({ Item: items.get(Key.key.S) }),
    UpdateItemCommand: input => {
      const Attributes = update(items.get(input.Key.key.S), input)
      items.set(input.Key.key.S, Attributes)
      return input.ReturnValues === 'ALL_NEW' ? { Attributes } : {}
    },
    DeleteItemCommand: ({ Key, ConditionExpression, ExpressionAttributeValues: values }) => {
      const Attributes = items.get(Key.key.S)
      if (!isMet(ConditionExpression, values, Attributes)) throw conditionFailed()
      items.delete(Key.key.S)
      return { Attributes }
    },
    PutObjectCommand: ({ Key, Body }) => void objects.set(Key, Body),
    GetObjectCommand: ({ Key }) => ({ Body: { transformToByteArray: async () => objects.get(Key) } }),
    DeleteObjectCommand: ({ Key }) => void objects.delete(Key),
  }
  const send = async ({ constructor: { name }, input }: Command) => {
    asked.push(name)
    return handlers[name]?.(input) ?? {}
  }
  const dynamodb: DynamoDBClient = Object.assign(new DynamoDBClient({ region: 'none' }), { send })
  const s3: S3Client = Object.assign(new S3Client({ region: 'none' }), { send })
  return { dynamodb, s3, items, objects, asked }
}

const conditionFailed = () => new ConditionalCheckFailedException({ message: 'condition', $metadata: {} })

/** As in DynamoDB, the filter applies after the limit, and a full page has a LastEvaluatedKey even if nothing follows. */
function scan(items: readonly Attributes[], { Limit = 1000, ExclusiveStartKey, FilterExpression, ...input }: Command['input']) {
  const start = ExclusiveStartKey ? items.findIndex(({ key }) => key?.S === ExclusiveStartKey.key.S) + 1 : 0
  const page = items.slice(start, start + Limit)
  const last = page.length === Limit ? page.at(-1)?.['key'] : undefined
  return {
    Items: page
      .filter(({ code }) => !FilterExpression || code?.S === input.ExpressionAttributeValues[':code'].S)
      .map(item => projected(item, input)),
    ...(last && { LastEvaluatedKey: { key: last } }),
  }
}

function projected(item: Attributes, { ProjectionExpression, ExpressionAttributeNames: names }: Command['input']): Attributes {
  if (!ProjectionExpression) return item
  const asked = new Set((ProjectionExpression as string).split(', ').map(name => names[name]))
  return Object.fromEntries(Object.entries(item).filter(([name]) => asked.has(name)))
}

function update(
  item: Attributes | undefined,
  { Key, UpdateExpression, ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues }: Command['input'],
): Attributes {
  if (!isMet(ConditionExpression, ExpressionAttributeValues, item)) throw conditionFailed()
  const updated: Attributes = { ...Key, ...item }
  const [, removed] = /REMOVE (\w+)$/.exec(UpdateExpression) ?? []
  if (removed) delete updated[removed]
  for (const [placeholder, value] of Object.entries(ExpressionAttributeValues as Attributes)) {
    const name = placeholder.slice(1)
    if (placeholder === ':token') updated[ExpressionAttributeNames['#slot']] = value
    if (name === 'token' || !new RegExp(`(?:= |, |ADD #${name} ):${name}\\b`).test(UpdateExpression)) continue
    if (UpdateExpression.includes(`ADD #${name}`)) updated[name] = sum(item?.[name], value)
    else if (!UpdateExpression.includes(`if_not_exists(#${name},`) || !item?.[name]) updated[name] = value
  }
  return updated
}

const NOT_ADDED = '(attribute_not_exists(#slot) OR #slot <> :token)'

/** The few conditions that the product uses. */
function isMet(condition: string | undefined, values: Attributes, item: Attributes | undefined): boolean {
  if (condition === undefined) return true
  if (condition === 'attribute_exists(#key)') return item !== undefined
  const isFirst = item?.['first']?.S === values[':first']?.S
  if (condition === '#first = :first') return isFirst
  if (condition === '#count = :count AND #first = :first' || condition === '#count = :count AND attribute_not_exists(#first)')
    return item?.['count']?.N === values[':count']?.N && isFirst
  const isNew = !Object.entries(item ?? {}).some(([name, { S }]) => name.startsWith('added_') && S === values[':token']?.S)
  if (condition === NOT_ADDED) return isNew
  if (condition === `attribute_exists(#key) AND ${NOT_ADDED}`) return item !== undefined && isNew
  throw new Error(`The quarantine in memory does not implement the condition ${condition}.`)
}

const sum = (a: AttributeValue | undefined, b: AttributeValue): AttributeValue => ({ N: String(Number(a?.N ?? 0) + Number(b.N)) })
