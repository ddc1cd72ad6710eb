import {
  type AttributeValue,
  type BatchGetItemCommandInput,
  ConditionalCheckFailedException,
  ProvisionedThroughputExceededException,
  type PutItemCommandInput,
  type QueryCommandInput,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import type { DynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'

type Attributes = Record<string, AttributeValue>

/** What happens to one call. */
export type Fate =
  | 'done'
  /** Rejected: too many requests. */
  | 'throttled'
  /** Carried out, but the caller gets an error. */
  | 'response lost'

/** Runs an operation of this name on the item with these attributes, now or later, with a fate of its choice. */
export type CallOperation = <T>(operation: string, item: Attributes | undefined, run: (fate: Fate) => T) => Promise<T>

interface Command {
  readonly constructor: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: inputs of several commands
  readonly input: any
}

/** DynamoDB in memory: conditional puts, consistent reads, and a stream of both images in two shards, ordered by item. */
export class Table {
  readonly items = new Map<string, Attributes>()
  readonly streams: DynamoDBRecord[][] = [[], []]
  /** Keys that are throttled, and until which step. */
  private readonly hot = new Map<string, number>()

  throttle(key: string, until: number): void {
    this.hot.set(key, until)
  }

  unthrottle(step: number): void {
    for (const [key, until] of this.hot) if (until <= step) this.hot.delete(key)
  }

  /** The operations that the state table uses; each goes through `call`, by default at once and without a fault. */
  operations(call: CallOperation = async (_operation, _item, run) => run('done')): DynamoDbOperations {
    const run = <T>(operation: string, item: Attributes | undefined, act: () => T): Promise<T> =>
      call(operation, item, fate => this.carryOut(item, fate, act))
    return {
      getItem: ({ Key }) => run('GetItem', Key, () => ({ Item: this.items.get(keyOf(Key)) })),
      batchGetItem: input => run('BatchGetItem', undefined, () => this.batchGet(input)),
      putItem: input => run('PutItem', input.Item, () => this.put(input)),
      updateItem: input => run('UpdateItem', input.Key, () => this.update(input)),
      query: input => onePage(() => run('Query', undefined, () => ({ Items: this.query(input) }))),
    }
  }

  /** Carries out a command of the SDK. */
  execute({ constructor: { name }, input }: Command, fate: Fate): unknown {
    return this.carryOut(input.Key ?? input.Item, fate, () => {
      if (name === 'GetItemCommand') return { Item: this.items.get(keyOf(input.Key)) }
      if (name === 'BatchGetItemCommand') return this.batchGet(input)
      if (name === 'PutItemCommand') return this.put(input)
      if (name === 'UpdateItemCommand') return this.update(input)
      if (name === 'QueryCommand') return { Items: this.query(input) }
      throw new Error(`The simulated table does not implement ${name}.`)
    })
  }

  private carryOut<T>(item: Attributes | undefined, fate: Fate, act: () => T): T {
    if (fate === 'throttled' || (item && this.hot.has(keyOf(item)))) throw throttle()
    const result = act()
    if (fate === 'response lost') throw new Error('socket hang up')
    return result
  }

  private batchGet({ RequestItems = {} }: BatchGetItemCommandInput) {
    const [[table = '', { Keys = [] } = {}] = []] = Object.entries(RequestItems)
    const unread = Keys.filter(key => this.hot.has(keyOf(key)))
    const read = Keys.filter(key => !unread.includes(key)).map(key => this.items.get(keyOf(key)))
    const found = read.filter(item => item !== undefined)
    return { Responses: { [table]: found }, UnprocessedKeys: unread.length > 0 ? { [table]: { Keys: unread } } : {} }
  }

  private put({ Item = {}, ConditionExpression, ExpressionAttributeValues }: PutItemCommandInput) {
    const before = this.items.get(keyOf(Item))
    if (!isMet(ConditionExpression, ExpressionAttributeValues, before))
      throw new ConditionalCheckFailedException({ message: 'condition', $metadata: {} })
    this.items.set(keyOf(Item), Item)
    this.emit(before, Item)
    return {}
  }

  /** The only update that the product makes here: it marks an event as quarantined. */
  private update({ Key = {} }: UpdateItemCommandInput) {
    this.items.set(keyOf(Key), { ...Key, quarantined: { BOOL: true } })
    return {}
  }

  private query({ ExpressionAttributeValues: values }: QueryCommandInput): Attributes[] {
    const [pk, prefix] = [values?.[':pk']?.S ?? '', values?.[':prefix']?.S ?? '']
    const found = [...this.items.values()].filter(item => item['pk']?.S === pk && item['sk']?.S?.startsWith(prefix))
    return found.sort((a, b) => ((a['sk']?.S ?? '') < (b['sk']?.S ?? '') ? 1 : -1))
  }

  remove(key: string, expired: boolean): void {
    const before = this.items.get(key)
    this.items.delete(key)
    this.emit(before, undefined, expired)
  }

  private emit(before: Attributes | undefined, after: Attributes | undefined, expired = false): void {
    const pk = (after ?? before)?.['pk']?.S ?? ''
    if (!/^(user|window)#/.test(pk)) return
    const shard = [...pk].reduce((sum, c) => sum + c.charCodeAt(0), 0) % 2
    const record = {
      dynamodb: { OldImage: before, NewImage: after },
      ...(expired && { userIdentity: { principalId: 'dynamodb.amazonaws.com' } }),
    }
    this.streams[shard]?.push(record as DynamoDBRecord)
  }
}

async function* onePage<T>(read: () => Promise<T>): AsyncGenerator<T> {
  yield await read()
}

export const keyOf = (item: Attributes | undefined): string => `${item?.['pk']?.S}|${item?.['sk']?.S}`

const throttle = () => new ProvisionedThroughputExceededException({ message: 'throttled', $metadata: {} })

/** The few conditions that the product uses. */
function isMet(condition: string | undefined, values: Attributes | undefined, before: Attributes | undefined): boolean {
  if (condition === undefined) return true
  if (condition === 'attribute_not_exists(pk)') return before === undefined
  if (condition === 'version = :read') return before !== undefined && before['version']?.N === values?.[':read']?.N
  if (condition === 'attribute_not_exists(pk) OR seq < :seq')
    return !before || (before['seq']?.S ?? '') < (values?.[':seq']?.S ?? '')
  throw new Error(`The simulated table does not implement the condition ${condition}.`)
}
