import { buffer } from 'node:stream/consumers'
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import type { Attributes } from '../../lambdas/dynamodb.ts'

interface Command {
  readonly constructor: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: the input of any of several commands
  readonly input: any
}

/** An object, and when it was written (milliseconds since 1970). */
export interface StoredObject {
  readonly bytes: Uint8Array
  readonly modified: number
}

/**
 * The table of the reports and the archive bucket in memory: clients that implement the few calls that reports make. `before` runs before
 * each call with its name, and may throw.
 */
export function reportsStores(now: () => number, before: (call: string) => void) {
  const items = new Map<string, Attributes>()
  const objects = new Map<string, StoredObject>()
  const keyOf = ({ report, run }: Attributes): string => JSON.stringify([report?.S, run?.S])
  const ifMet = (item: Attributes, { ConditionExpression, ExpressionAttributeValues = {} }: Command['input']): string => {
    if (isMet(ConditionExpression, ExpressionAttributeValues, items.get(keyOf(item)))) return keyOf(item)
    throw new ConditionalCheckFailedException({ message: 'condition', $metadata: {} })
  }
  const handlers: Record<string, (input: Command['input']) => unknown> = {
    GetItemCommand: ({ Key }) => ({ Item: items.get(keyOf(Key)) }),
    PutItemCommand: input => void items.set(ifMet(input.Item, input), input.Item),
    DeleteItemCommand: input => void items.delete(ifMet(input.Key, input)),
    QueryCommand: input => ({ Items: query([...items.values()], input) }),
    ListObjectsV2Command: ({ Prefix }) => ({ Contents: contents(objects, Prefix) }),
    PutObjectCommand: async ({ Key, Body }) => void objects.set(Key, { bytes: await buffer(Body), modified: now() }),
    DeleteObjectsCommand: ({ Delete }) => {
      for (const { Key } of Delete.Objects) {
        before('DeleteObject')
        objects.delete(Key)
      }
      return {}
    },
  }
  const send = async ({ constructor: { name }, input }: Command): Promise<unknown> => {
    before(name)
    const handler = handlers[name]
    if (!handler) throw new Error(`The stores in memory do not implement ${name}.`)
    return (await handler(input)) ?? {}
  }
  const dynamodb: DynamoDBClient = Object.assign(new DynamoDBClient({ region: 'none' }), { send })
  const s3: S3Client = Object.assign(new S3Client({ region: 'none' }), { send })
  return { dynamodb, s3, items, objects }
}

const contents = (objects: ReadonlyMap<string, StoredObject>, prefix: string) =>
  [...objects]
    .filter(([Key]) => Key.startsWith(prefix))
    .map(([Key, { bytes, modified }]) => ({ Key, Size: bytes.length, LastModified: new Date(modified) }))

function query(items: readonly Attributes[], { KeyConditionExpression, ExpressionAttributeValues: values }: Command['input']) {
  if (KeyConditionExpression !== 'report = :report AND run BETWEEN :prefix AND :last')
    throw new Error(`The stores in memory do not implement ${KeyConditionExpression}.`)
  const [report, first, last] = [values[':report'].S, values[':prefix'].S, values[':last'].S]
  const runOf = ({ run }: Attributes): string => run?.S ?? ''
  return items
    .filter(item => item['report']?.S === report && runOf(item) >= first && runOf(item) <= last)
    .toSorted((a, b) => (runOf(a) < runOf(b) ? 1 : -1))
}

/** The conditions that the table of the reports uses, except those of locks. */
function isMet(condition: string, values: Attributes, item: Attributes | undefined): boolean {
  const [published, run] = [item?.['published']?.S ?? '', values[':run']?.S ?? '']
  if (condition === 'attribute_not_exists(report)') return item === undefined
  if (condition === 'attribute_exists(report)') return item !== undefined
  if (condition === 'attribute_not_exists(report) OR published <= :run') return item === undefined || published <= run
  if (condition === 'published = :run') return item !== undefined && published === run
  throw new Error(`The stores in memory do not implement the condition ${condition}.`)
}
