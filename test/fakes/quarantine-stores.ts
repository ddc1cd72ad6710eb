import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { NoSuchKey, S3Client } from '@aws-sdk/client-s3'
import type { Attributes } from '../../lambdas/dynamodb.ts'
import { meets, updated } from './expressions.ts'

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
    BatchGetItemCommand: ({ RequestItems }) => ({
      Responses: Object.fromEntries(
        Object.entries(RequestItems as Record<string, Command['input']>).map(([table, { Keys, ...input }]) => [
          table,
          (Keys as Attributes[]).flatMap(({ key }) => {
            const item = items.get(key?.S ?? '')
            return item ? [projected(item, input)] : []
          }),
        ]),
      ),
    }),
    UpdateItemCommand: input => {
      const before = items.get(input.Key.key.S)
      if (!meets(input.ConditionExpression, before, input)) throw conditionFailed(input, before)
      const Attributes = updated(input.UpdateExpression, { ...input.Key, ...before }, input)
      items.set(input.Key.key.S, Attributes)
      return input.ReturnValues === 'ALL_NEW' ? { Attributes } : {}
    },
    DeleteItemCommand: input => {
      const Attributes = items.get(input.Key.key.S)
      if (!meets(input.ConditionExpression, Attributes, input)) throw conditionFailed(input, Attributes)
      items.delete(input.Key.key.S)
      return { Attributes }
    },
    PutObjectCommand: ({ Key, Body }) => void objects.set(Key, Body),
    GetObjectCommand: ({ Key, Range = 'bytes=0-' }) => {
      const body = objects.get(Key)
      if (!body) throw new NoSuchKey({ message: 'no such key', $metadata: {} })
      const [first, last] = Range.slice('bytes='.length).split('-').map(Number)
      return { Body: { transformToByteArray: async () => body.subarray(first, (last || body.length) + 1) } }
    },
    DeleteObjectCommand: ({ Key }) => void objects.delete(Key),
    ListObjectsV2Command: ({ Prefix, StartAfter = '', MaxKeys = 1000 }) => ({
      Contents: [...objects.keys()]
        .filter(key => key.startsWith(Prefix) && key > StartAfter)
        .sort()
        .slice(0, MaxKeys)
        .map(Key => ({ Key, Size: objects.get(Key)?.length })),
    }),
  }
  const send = async ({ constructor: { name }, input }: Command) => {
    asked.push(name)
    return handlers[name]?.(input) ?? {}
  }
  const dynamodb: DynamoDBClient = Object.assign(new DynamoDBClient({ region: 'none' }), { send })
  const s3: S3Client = Object.assign(new S3Client({ region: 'none' }), { send })
  return { table: 't', bucket: 'b', now: Date.now, dynamodb, s3, items, objects, asked }
}

const conditionFailed = ({ ReturnValuesOnConditionCheckFailure: returned }: Command['input'], item: Attributes | undefined) =>
  new ConditionalCheckFailedException({
    ...{ message: 'condition', $metadata: {} },
    ...(returned === 'ALL_OLD' && item && { Item: item }),
  })

/** As in DynamoDB, the filter applies after the limit, and a full page has a LastEvaluatedKey even if nothing follows. */
function scan(items: readonly Attributes[], { Limit = 1000, ExclusiveStartKey, FilterExpression, ...input }: Command['input']) {
  const start = ExclusiveStartKey ? items.findIndex(({ key }) => key?.S === ExclusiveStartKey.key.S) + 1 : 0
  const page = items.slice(start, start + Limit)
  const last = page.length === Limit ? page.at(-1)?.['key'] : undefined
  return {
    Items: page.filter(item => meets(FilterExpression, item, input)).map(item => projected(item, input)),
    ...(last && { LastEvaluatedKey: { key: last } }),
  }
}

function projected(item: Attributes, { ProjectionExpression, ExpressionAttributeNames: names }: Command['input']): Attributes {
  if (!ProjectionExpression) return item
  const asked = new Set((ProjectionExpression as string).split(', ').map(name => names[name]))
  return Object.fromEntries(Object.entries(item).filter(([name]) => asked.has(name)))
}
