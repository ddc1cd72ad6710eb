import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { itemBytes, readUnitsOf, writeUnitsOf } from '../../../cli/cost/units.ts'
import type { DynamoDbOperations } from '../../../lambdas/state/dynamodb-operations.ts'

type Attributes = Record<string, AttributeValue>

/** What was used of a table. */
export interface Meter {
  writeUnits: number
  readUnits: number
  /** Units of what functions do once for each batch, whatever is in it; not in the units above. */
  batchWriteUnits: number
  batchReadUnits: number
  puts: number
  gets: number
  /** Calls of BatchGetItem and Query, and the items that they returned. */
  batches: number
  batchItems: number
  /** Writes and their units by kind of item. */
  kinds: Map<string, Kind>
}

export interface Kind {
  puts: number
  units: number
  readUnits: number
  /** By attribute. */
  readonly bytes: Map<string, number>
}

export const newMeter = (): Meter => ({
  ...{ writeUnits: 0, readUnits: 0, batchWriteUnits: 0, batchReadUnits: 0 },
  ...{ puts: 0, gets: 0, batches: 0, batchItems: 0, kinds: new Map() },
})

/** DynamoDB in memory: what DynamoDB bills for each call is added to `meter`. */
export class MeteredTable {
  meter = newMeter()
  /** Bytes of new windows, and of all puts. */
  windowBytes = 0
  bytesPut = 0
  private readonly partitions = new Map<string, Map<string, { readonly item: Attributes; readonly bytes: number }>>()
  private readonly changed: (change: DynamoDBRecord) => void
  private readonly now: () => number

  constructor(now: () => number, changed: (change: DynamoDBRecord) => void = () => {}) {
    this.now = now
    this.changed = changed
  }

  operations(): DynamoDbOperations {
    return {
      getItem: async ({ Key }) => {
        this.meter.gets += 1
        return { Item: this.read(Key) }
      },
      batchGetItem: async ({ RequestItems = {} }) => {
        const [[table = '', { Keys = [], ConsistentRead } = {}] = []] = Object.entries(RequestItems)
        const found = Keys.map(key => this.read(key, ConsistentRead ? 1 : 0.5)).filter(item => item !== undefined)
        this.meter.batches += 1
        this.meter.batchItems += found.length
        return { Responses: { [table]: found }, UnprocessedKeys: {} }
      },
      putItem: async ({ Item = {}, ConditionExpression, ExpressionAttributeValues }) => {
        this.put(Item, ConditionExpression, ExpressionAttributeValues)
        return {}
      },
      deleteItem: () => notExpected('DeleteItem'),
      updateItem: async ({ Key = {}, ExpressionAttributeValues: values }) => {
        // The bound of lateness, which the functions note once.
        this.put({ ...Key, note: { S: JSON.stringify(values) } })
        return {}
      },
      query: async function* (this: MeteredTable) {
        // Deltas of retired projections, of which there are none.
        this.meter.batches += 1
        this.meter.batchReadUnits += 1
        yield { Items: [] }
      }.bind(this),
    }
  }

  private stored(key: Attributes | undefined) {
    return this.partitions.get(key?.['pk']?.S ?? '')?.get(key?.['sk']?.S ?? '')
  }

  /** An eventually consistent read uses half of a unit. */
  private read(key: Attributes | undefined, share = 1): Attributes | undefined {
    const stored = this.stored(key)
    const units = share * readUnitsOf(stored?.bytes ?? 0)
    this.meter.readUnits += units
    this.kind(kindOf(key ?? {})).readUnits += units
    return stored?.item
  }

  private put(item: Attributes, condition?: string, values?: Attributes): void {
    const before = this.stored(item)
    const bytes = itemBytes(item)
    const units = writeUnitsOf(Math.max(bytes, before?.bytes ?? 0))
    this.meter.puts += 1
    this.meter[kindOf(item) === 'position' ? 'batchWriteUnits' : 'writeUnits'] += units
    if (!isMet(condition, values, before?.item))
      throw new ConditionalCheckFailedException({ message: 'condition', $metadata: {} })
    this.note(item, units)
    this.bytesPut += bytes
    if (kindOf(item) === 'window') this.windowBytes += bytes - (before?.bytes ?? 0)
    const pk = item['pk']?.S ?? ''
    const partition = this.partitions.get(pk) ?? new Map()
    this.partitions.set(pk, partition.set(item['sk']?.S ?? '', { item, bytes }))
    this.changed(changeOf(before?.item, item, this.now()))
  }

  private note(item: Attributes, units: number): void {
    const noted = this.kind(kindOf(item))
    noted.puts += 1
    noted.units += units
    for (const [name, value] of Object.entries(item))
      noted.bytes.set(name, (noted.bytes.get(name) ?? 0) + itemBytes({ [name]: value }))
  }

  private kind(name: string): Kind {
    const kind = this.meter.kinds.get(name) ?? { puts: 0, units: 0, readUnits: 0, bytes: new Map() }
    this.meter.kinds.set(name, kind)
    return kind
  }
}

const notExpected = (operation: string): never => {
  throw new Error(`The bench does not expect ${operation}.`)
}

function kindOf({ pk, sk, ids, index }: Attributes): string {
  if (index) return 'index page'
  if (sk?.S === 'state') return 'user'
  if (pk?.S?.startsWith('user#') && sk?.S?.startsWith('window#')) return 'window'
  if (pk?.S?.startsWith('shard#')) return 'position'
  return ids ? 'page' : 'other'
}

/** The few conditions that the product uses. */
function isMet(condition: string | undefined, values: Attributes | undefined, before: Attributes | undefined): boolean {
  if (condition === undefined) return true
  if (condition === 'attribute_not_exists(pk)') return before === undefined
  if (condition === 'version = :read') return before?.['version']?.N === values?.[':read']?.N
  if (condition === 'attribute_not_exists(pk) OR seq < :seq')
    return !before || (before['seq']?.S ?? '') < (values?.[':seq']?.S ?? '')
  throw new Error(`The bench does not know the condition ${condition}.`)
}

/** A change as Lambda passes it to a function: with bytes in base64. */
function changeOf(before: Attributes | undefined, after: Attributes, now: number): DynamoDBRecord {
  const image = (item: Attributes) =>
    Object.fromEntries(
      Object.entries(item).map(([name, value]) => [name, value.B ? { B: Buffer.from(value.B).toString('base64') } : value]),
    )
  return {
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(now / 1000),
      SequenceNumber: '100000000012345678901',
      NewImage: image(after),
      ...(before && { OldImage: image(before) }),
    },
  } as DynamoDBRecord
}
