import {
  type AttributeValue,
  ConditionalCheckFailedException,
  ProvisionedThroughputExceededException,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'

type Attributes = Record<string, AttributeValue>

/** What befalls one call. */
export type Fate =
  | 'done'
  /** Refused: too many requests. */
  | 'throttled'
  /** Carried out, but the caller hears of a failure. */
  | 'answer lost'

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

  heat(key: string, until: number): void {
    this.hot.set(key, until)
  }

  cool(step: number): void {
    for (const [key, until] of this.hot) if (until <= step) this.hot.delete(key)
  }

  execute(command: Command, fate: Fate): unknown {
    const { input } = command
    const keys = [input.Key ?? input.Item ?? {}]
    if (fate === 'throttled' || keys.some(key => this.hot.has(keyOf(key)))) throw throttle()
    const answer = this.carryOut(command.constructor.name, input)
    if (fate === 'answer lost') throw new Error('socket hang up')
    return answer
  }

  // biome-ignore lint/suspicious/noExplicitAny: inputs of several commands
  private carryOut(name: string, input: any): unknown {
    if (name === 'GetItemCommand') return { Item: this.items.get(keyOf(input.Key)) }
    if (name === 'BatchGetItemCommand') return this.batchGet(input.RequestItems)
    if (name === 'PutItemCommand') return this.put(input)
    if (name === 'UpdateItemCommand') return this.countUp(input.Key)
    if (name === 'QueryCommand') return { Items: this.query(input.ExpressionAttributeValues) }
    throw new Error(`The simulated table does not know ${name}.`)
  }

  private batchGet(requests: Record<string, { Keys: Attributes[] }>): unknown {
    const [[table, { Keys }]] = Object.entries(requests) as [[string, { Keys: Attributes[] }]]
    const unread = Keys.filter(key => this.hot.has(keyOf(key)))
    const found = Keys.filter(key => !unread.includes(key) && this.items.has(keyOf(key))).map(key => this.items.get(keyOf(key)))
    return { Responses: { [table]: found }, UnprocessedKeys: unread.length > 0 ? { [table]: { Keys: unread } } : {} }
  }

  private put({
    Item,
    ConditionExpression,
    ExpressionAttributeValues,
  }: {
    Item: Attributes
    ConditionExpression?: string
    ExpressionAttributeValues?: Attributes
  }) {
    const before = this.items.get(keyOf(Item))
    if (!holds(ConditionExpression, ExpressionAttributeValues, before))
      throw new ConditionalCheckFailedException({ message: 'condition', $metadata: {} })
    this.items.set(keyOf(Item), Item)
    this.emit(before, Item)
    return {}
  }

  /** The only update that the product makes here: it counts attempts. */
  private countUp(key: Attributes): unknown {
    const attempts = { N: String(Number(this.items.get(keyOf(key))?.['attempts']?.N ?? 0) + 1) }
    this.items.set(keyOf(key), { ...key, attempts })
    return { Attributes: { attempts } }
  }

  private query(values: Attributes): Attributes[] {
    const [pk, prefix] = [values[':pk']?.S ?? '', values[':prefix']?.S ?? '']
    const found = [...this.items.values()].filter(item => item['pk']?.S === pk && item['sk']?.S?.startsWith(prefix))
    return found.sort((a, b) => ((a['sk']?.S ?? '') < (b['sk']?.S ?? '') ? 1 : -1))
  }

  remove(key: string, expired: boolean): void {
    const before = this.items.get(key)
    this.items.delete(key)
    this.emit(before, undefined, expired)
  }

  private emit(before: Attributes | undefined, after: Attributes | undefined, expired = false): void {
    const key = (after ?? before) as Attributes
    if (!/^(user|window)#/.test(key['pk']?.S ?? '')) return
    const shard = [...(key['pk']?.S ?? '')].reduce((sum, c) => sum + c.charCodeAt(0), 0) % 2
    const record = {
      dynamodb: { OldImage: before, NewImage: after },
      ...(expired && { userIdentity: { principalId: 'dynamodb.amazonaws.com' } }),
    }
    this.streams[shard]?.push(record as DynamoDBRecord)
  }
}

export const keyOf = (key: Attributes): string => `${key['pk']?.S}|${key['sk']?.S}`

const throttle = () => new ProvisionedThroughputExceededException({ message: 'throttled', $metadata: {} })

/** The few conditions that the product states. */
function holds(condition: string | undefined, values: Attributes | undefined, before: Attributes | undefined): boolean {
  if (condition === undefined) return true
  if (condition === 'attribute_not_exists(pk)') return before === undefined
  if (condition === 'version = :read') return before !== undefined && before['version']?.N === values?.[':read']?.N
  if (condition === 'attribute_not_exists(pk) OR seq < :seq')
    return !before || (before['seq']?.S ?? '') < (values?.[':seq']?.S ?? '')
  throw new Error(`The simulated table does not know the condition ${condition}.`)
}
