import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import type { DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
import { jobsItems } from '../../fakes/jobs-items.ts'
import { quarantineStores } from '../../fakes/quarantine-stores.ts'
import { Table } from '../../simulation/table.ts'
import { parsed } from './canonical.ts'
import { interceptSearch, SearchCluster } from './search-cluster.ts'

type Attributes = Record<string, AttributeValue>
interface Command {
  readonly constructor: { readonly name: string }
  readonly input: Readonly<Record<string, unknown>>
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const KEYS = [
  { key: 'good', name: 'web', scope: 'write' },
  { key: 'other', name: 'app', scope: 'write' },
  { key: 'reads', name: 'reader', scope: 'read' },
  { key: 'all', name: 'boss', scope: 'admin' },
  { key: 'gone', name: 'old', scope: 'write', revoked: '2025-12-31T00:00:00Z' },
]

/** The stores of one run in memory, behind the SDK clients. */
export class Cloud {
  readonly state = new Table()
  readonly quarantine = quarantineStores()
  readonly jobs = jobsItems()
  readonly search = new SearchCluster()
  readonly records: KinesisStreamRecord[] = []
  readonly puts: unknown[] = []
  readonly keys = new Map<string, Attributes>()
  /** The updates of the state table that count the attempts of each record. */
  readonly attempts: unknown[] = []
  /** Kinesis throttles one in this many records. 0: none. */
  flaky = 0
  functions: Readonly<Record<string, (input: object) => Promise<unknown>>> = {}
  /** How many changes of each shard `changes` has returned. */
  private returned = [0, 0]
  private putAttempts = 0

  constructor() {
    for (const { key, ...facts } of KEYS) {
      const texts = Object.entries({ hash: sha256(key), ...facts }).map(([name, text]) => [name, { S: text }])
      this.keys.set(sha256(key), Object.fromEntries(texts))
    }
  }

  async dynamodb(command: Command): Promise<unknown> {
    const { input } = command
    if (input['TableName'] === 'quarantine') return this.quarantine.dynamodb.send(command as never) // The fake reads only its name and input.
    if (input['TableName'] === 'jobs') return this.jobs(command as never) // As above.
    if (input['TableName'] === 'keys') return this.keyTable(command)
    if (input['TableName'] === 'reports' || input['TableName'] === 'use') return {}
    if (command.constructor.name === 'UpdateItemCommand') this.attempts.push([input['Key'], input['ExpressionAttributeValues']])
    return command.constructor.name === 'ScanCommand' ? { Items: this.items() } : this.state.execute(command, 'done')
  }

  private keyTable({ constructor: { name }, input }: Command): unknown {
    if (name === 'GetItemCommand') return { Item: this.keys.get((input['Key'] as { hash: { S: string } }).hash.S) }
    if (name === 'ScanCommand') return { Items: [...this.keys.values()] }
    const item = input['Item'] as Attributes | undefined
    if (item) this.keys.set(item['hash']?.S ?? '', item)
    return {}
  }

  /** All items of the state table, sorted by key. */
  items(): Attributes[] {
    return [...this.state.items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  }

  /** The changes of the table since the last call, sorted by key; the changes of one key are in order. */
  changes(): DynamoDBRecord[] {
    const unread = this.state.streams.flatMap((stream, shard) => stream.slice(this.returned[shard]))
    this.returned = this.state.streams.map(stream => stream.length)
    const keyOf = ({ dynamodb }: DynamoDBRecord) => {
      const image = dynamodb?.NewImage ?? dynamodb?.OldImage
      return `${image?.['pk']?.S} ${image?.['sk']?.S}`
    }
    return unread.map(inTransit).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
  }

  async kinesis({ constructor: { name }, input }: Command): Promise<unknown> {
    if (name !== 'PutRecordsCommand') return {}
    const records = input['Records'] as { PartitionKey: string; Data: Uint8Array }[]
    return { Records: records.map(({ PartitionKey, Data }) => this.put(PartitionKey, Buffer.from(Data))) }
  }

  put(partitionKey: string, data: Buffer, arrived = Date.now()): object {
    this.putAttempts += 1
    if (this.flaky > 0 && this.putAttempts % this.flaky === 0) return { ErrorCode: 'ProvisionedThroughputExceededException' }
    const shard = `shardId-00000000000${(createHash('sha256').update(partitionKey).digest()[0] ?? 0) % 2}`
    // Sequence numbers get one more digit during a run.
    const sequenceNumber = String(9_900 + this.records.length)
    const kinesis = { sequenceNumber, partitionKey, data: data.toString('base64'), approximateArrivalTimestamp: arrived / 1000 }
    this.records.push({ eventID: `${shard}:${sequenceNumber}`, kinesis } as KinesisStreamRecord)
    this.puts.push([partitionKey, data.toString()])
    return { ShardId: shard, SequenceNumber: sequenceNumber }
  }

  async s3(command: Command): Promise<unknown> {
    if (command.constructor.name !== 'ListObjectsV2Command') return this.quarantine.s3.send(command as never) // As above.
    const prefix = String(command.input['Prefix'] ?? '')
    const objects = [...this.quarantine.objects].filter(([key]) => key.startsWith(prefix))
    return { Contents: objects.map(([Key, { length: Size }]) => ({ Key, Size })) }
  }

  async lambda({ input }: Command): Promise<unknown> {
    const result = await this.functions[String(input['FunctionName'])]?.(parsed(String(input['Payload'])) as object)
    return { Payload: Buffer.from(JSON.stringify(result ?? null)) }
  }

  /** The items and objects of the quarantine, sorted by key, with the bodies as text. */
  async quarantined(): Promise<unknown[]> {
    const { Items = [] } = await this.quarantine.dynamodb.send(new ScanCommand({ TableName: 'quarantine', Limit: 1e6 }))
    const items = Items.map(withoutTokens).map(({ body, ...item }) => ({
      ...item,
      ...(body?.B && { body: gunzipSync(body.B).toString() }),
    }))
    const keyOf = (item: object) => (item as Attributes)['key']?.S ?? ''
    const sorted = items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    // The name of such an object is a hash that covers the messages of its events, which are prose.
    const objects = [...this.quarantine.objects].map(([key, bytes]) => {
      const text = key.endsWith('.gz') ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString()
      return key.startsWith('refused/') ? ['refused/', text.split('\n').map(parsed)] : [key, text]
    })
    return [...sorted, ...objects.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]
  }
}

/** An item of the quarantine without the tokens of its additions, which are random. */
const withoutTokens = (item: Attributes): Attributes =>
  Object.fromEntries(Object.entries(item).filter(([name]) => name !== 'first' && !name.startsWith('added_')))

/** A change as Lambda passes it to a function: with bytes in base64. */
const inTransit = (record: DynamoDBRecord, at: number): DynamoDBRecord => {
  const image = (attributes: object | undefined) =>
    attributes && Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, encoded(value)]))
  const { OldImage, NewImage } = record.dynamodb ?? {}
  const images = { OldImage: image(OldImage), NewImage: image(NewImage) }
  const facts = { SequenceNumber: String(100 + at), ApproximateCreationDateTime: Math.floor(Date.now() / 1000) }
  return { ...record, dynamodb: { ...facts, ...images } } as DynamoDBRecord
}

const encoded = (value: AttributeValue): unknown => (value.B ? { B: Buffer.from(value.B).toString('base64') } : value)

let current = new Cloud()
/** Creates empty stores. All SDK clients use them from now on. */
export const newCloud = (): Cloud => {
  current = new Cloud()
  return current
}

/** Fixed metrics of the last hour. */
const metrics = async ({ input }: Command): Promise<unknown> => {
  const queries = input['MetricDataQueries'] as { Id: string }[]
  const Timestamps = [3, 2, 1].map(minutes => new Date((input['EndTime'] as Date).getTime() - minutes * 60_000))
  return { MetricDataResults: queries.map(({ Id }, i) => ({ Id, Timestamps, Values: [i, 10 + i, 20 + i] })) }
}

Object.assign(DynamoDBClient.prototype, { send: (command: Command) => current.dynamodb(command) })
Object.assign(KinesisClient.prototype, { send: (command: Command) => current.kinesis(command) })
Object.assign(S3Client.prototype, { send: (command: Command) => current.s3(command) })
Object.assign(LambdaClient.prototype, { send: (command: Command) => current.lambda(command) })
Object.assign(CloudWatchClient.prototype, { send: metrics })
interceptSearch(() => current.search)
