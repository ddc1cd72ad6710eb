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

export type Attributes = Record<string, AttributeValue>

/** What happens to one call. */
export type Fate =
  | 'done'
  /** Rejected: too many requests. */
  | 'throttled'
  /** Carried out, but the caller gets an error. */
  | 'response lost'
  /** The caller gets an error now; the call is carried out later. */
  | 'timed out'
  /** A BatchGet that returns half of its keys as unprocessed; other calls are carried out. */
  | 'partial'

/** Runs an operation of this name on the item with these attributes, now or later, with a fate of its choice. */
export type CallOperation = <T>(operation: string, item: Attributes | undefined, run: (fate: Fate) => T) => Promise<T>

interface Command {
  readonly constructor: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: inputs of several commands
  readonly input: any
}

/** One in this many eventually consistent reads of a changed item returns it as it was before. */
const STALE_EVERY = 3

/** DynamoDB in memory: conditional puts, both kinds of reads, and a stream of both images in two shards, ordered by item. */
export class Table {
  readonly items = new Map<string, Attributes>()
  readonly streams: DynamoDBRecord[][] = [[], []]
  /** Keys that are throttled, and until which step. */
  private readonly hot = new Map<string, number>()
  /** What some reads that are not consistent return: the item before its last change. */
  private readonly stale = new Map<string, Attributes | undefined>()
  private eventualReads = 0

  private readonly now: () => number
  private readonly committed: (item: Attributes) => void

  constructor(now: () => number = () => 0, committed: (item: Attributes) => void = () => {}) {
    this.now = now
    this.committed = committed
  }

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
      getItem: ({ Key, ConsistentRead }) => run('GetItem', Key, () => ({ Item: this.read(keyOf(Key), ConsistentRead) })),
      batchGetItem: input =>
        call('BatchGetItem', undefined, fate => this.carryOut(undefined, fate, () => this.batchGet(input, fate))),
      putItem: input => run('PutItem', input.Item, () => this.put(input)),
      deleteItem: ({ Key }) => run('DeleteItem', Key, () => this.items.delete(keyOf(Key))),
      updateItem: input => run('UpdateItem', input.Key, () => this.update(input)),
      query: input => onePage(() => run('Query', undefined, () => ({ Items: this.query(input) }))),
    }
  }

  /** Carries out a command of the SDK. */
  execute({ constructor: { name }, input }: Command, fate: Fate): unknown {
    return this.carryOut(input.Key ?? input.Item, fate, () => {
      if (name === 'GetItemCommand') return { Item: this.items.get(keyOf(input.Key)) }
      if (name === 'BatchGetItemCommand') return this.batchGet(input, fate)
      if (name === 'PutItemCommand') return this.put(input)
      if (name === 'DeleteItemCommand') return this.items.delete(keyOf(input.Key))
      if (name === 'UpdateItemCommand') return this.update(input)
      if (name === 'QueryCommand') return { Items: this.query(input) }
      throw new Error(`The simulated table does not implement ${name}.`)
    })
  }

  private carryOut<T>(item: Attributes | undefined, fate: Fate, act: () => T): T {
    if (fate === 'throttled' || (item && this.isHot(keyOf(item)))) throw throttle()
    const result = act()
    if (fate === 'response lost') throw new Error('socket hang up')
    return result
  }

  /** A key or its whole partition is throttled. */
  private isHot(key: string): boolean {
    return this.hot.has(key) || this.hot.has(key.slice(0, key.indexOf('|') + 1))
  }

  private read(key: string, consistent: boolean | undefined): Attributes | undefined {
    if (consistent || !this.stale.has(key)) return this.items.get(key)
    this.eventualReads += 1
    return this.eventualReads % STALE_EVERY === 0 ? this.stale.get(key) : this.items.get(key)
  }

  private batchGet({ RequestItems = {} }: BatchGetItemCommandInput, fate: Fate) {
    const [[table = '', { Keys = [], ConsistentRead } = {}] = []] = Object.entries(RequestItems)
    const isLeft = (at: number): boolean => fate === 'partial' && at >= Keys.length / 2
    const unread = Keys.filter((key, at) => isLeft(at) || this.isHot(keyOf(key)))
    const read = Keys.filter(key => !unread.includes(key)).map(key => this.read(keyOf(key), ConsistentRead))
    const found = read.filter(item => item !== undefined)
    return { Responses: { [table]: found }, UnprocessedKeys: unread.length > 0 ? { [table]: { Keys: unread } } : {} }
  }

  private put({ Item = {}, ConditionExpression, ExpressionAttributeValues }: PutItemCommandInput) {
    const before = this.items.get(keyOf(Item))
    if (!isMet(ConditionExpression, ExpressionAttributeValues, before))
      throw new ConditionalCheckFailedException({ message: 'condition', $metadata: {} })
    if (attributeBytes(Item) > MAX_ITEM_BYTES) throw new Error('ValidationException: the item is larger than 400 KB.')
    this.stale.set(keyOf(Item), before)
    this.items.set(keyOf(Item), Item)
    this.emit(before, Item)
    this.committed(Item)
    return {}
  }

  /** The updates that the product makes here: it marks an event, or lines of a record, as quarantined. */
  private update({ Key = {}, ExpressionAttributeValues: values }: UpdateItemCommandInput) {
    const before = this.items.get(keyOf(Key))
    const first = values?.[':yes'] ? undefined : before?.['ttl']
    const ttl = first ?? values?.[':ttl'] ?? { N: '0' }
    const marked = new Set([...(before?.['positions']?.NS ?? []), ...(values?.[':positions']?.NS ?? [])])
    const mark: Attributes = values?.[':yes'] ? { quarantined: values[':yes'] } : { positions: { NS: [...marked] } }
    this.items.set(keyOf(Key), { ...Key, ttl, ...mark })
    return {}
  }

  private query(input: QueryCommandInput): Attributes[] {
    const { ExpressionAttributeValues: values, ConsistentRead, ScanIndexForward } = input
    const [pk, prefix, from, to] = [':pk', ':prefix', ':from', ':to'].map(name => values?.[name]?.S ?? '')
    const isInRange = (sk = ''): boolean => (to ? sk >= (from ?? '') && sk <= to : sk.startsWith(prefix ?? ''))
    const visible = [...this.items.keys()].map(key => this.read(key, ConsistentRead)).filter(item => item !== undefined)
    const found = visible.filter(item => item['pk']?.S === pk && isInRange(item['sk']?.S))
    const descending = found.sort((a, b) => ((a['sk']?.S ?? '') < (b['sk']?.S ?? '') ? 1 : -1))
    return ScanIndexForward === false ? descending : descending.reverse()
  }

  remove(key: string, expired: boolean): void {
    const before = this.items.get(key)
    this.stale.set(key, before)
    this.items.delete(key)
    this.emit(before, undefined, expired)
  }

  private emit(before: Attributes | undefined, after: Attributes | undefined, expired = false): void {
    const pk = (after ?? before)?.['pk']?.S ?? ''
    if (!/^(user|window)#/.test(pk)) return
    const shard = [...pk].reduce((sum, c) => sum + c.charCodeAt(0), 0) % 2
    const record = {
      dynamodb: { OldImage: before, NewImage: after, ApproximateCreationDateTime: this.now() / 1000 },
      ...(expired && { userIdentity: { principalId: 'dynamodb.amazonaws.com' } }),
    }
    this.streams[shard]?.push(record as DynamoDBRecord)
  }
}

async function* onePage<T>(read: () => Promise<T>): AsyncGenerator<T> {
  yield await read()
}

/** The user of a partition key; undefined for the partition of a window. */
export const userOf = (pk: string | undefined): string | undefined =>
  pk?.startsWith('user#') ? pk.slice('user#'.length) : undefined

export const keyOf = (item: Attributes | undefined): string => `${item?.['pk']?.S}|${item?.['sk']?.S}`

/** DynamoDB's limit of an item. */
const MAX_ITEM_BYTES = 400 * 1024

const attributeBytes = (item: Attributes): number =>
  Object.entries(item).reduce(
    (sum, [name, { S, N, B }]) => sum + name.length + (S === undefined ? (N ?? B ?? '').length : Buffer.byteLength(S)),
    0,
  )

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
