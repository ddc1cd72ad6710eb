import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import type { DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
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

/** All stores of one run in memory, behind the clients of the SDKs. */
export class Cloud {
  readonly state = new Table()
  readonly quarantine = quarantineStores()
  readonly search = new SearchCluster()
  readonly records: KinesisStreamRecord[] = []
  readonly puts: unknown[] = []
  readonly keys = new Map<string, Attributes>()
  /** How often each record was tried, as it is counted in the state table. */
  readonly attempts: unknown[] = []
  /** One record in so many is refused the first time. */
  flaky = 0
  functions: Readonly<Record<string, (input: object) => Promise<unknown>>> = {}
  private taken = [0, 0]
  private tried = 0

  constructor() {
    for (const { key, ...facts } of KEYS) {
      const texts = Object.entries({ hash: sha256(key), ...facts }).map(([name, text]) => [name, { S: text }])
      this.keys.set(sha256(key), Object.fromEntries(texts))
    }
  }

  async dynamodb(command: Command): Promise<unknown> {
    const { input } = command
    if (input['TableName'] === 'quarantine') return this.quarantine.dynamodb.send(command as never)
    if (input['TableName'] === 'keys') return this.keyTable(command)
    if (input['TableName'] === 'reports') return {}
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

  /** All items of the state table, in the order of their keys. */
  items(): Attributes[] {
    return [...this.state.items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  }

  /** What changed in the table since it was last asked, in the order of keys and, of one key, of the changes. */
  changes(): DynamoDBRecord[] {
    const fresh = this.state.streams.flatMap((stream, shard) => stream.slice(this.taken[shard]))
    this.taken = this.state.streams.map(stream => stream.length)
    const keyOf = ({ dynamodb }: DynamoDBRecord) => {
      const image = dynamodb?.NewImage ?? dynamodb?.OldImage
      return `${image?.['pk']?.S} ${image?.['sk']?.S}`
    }
    return fresh.map(inTransit).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
  }

  async kinesis({ constructor: { name }, input }: Command): Promise<unknown> {
    if (name !== 'PutRecordsCommand') return {}
    const records = input['Records'] as { PartitionKey: string; Data: Uint8Array }[]
    return { Records: records.map(({ PartitionKey, Data }) => this.put(PartitionKey, Buffer.from(Data))) }
  }

  put(partitionKey: string, data: Buffer, arrived = Date.now()): object {
    this.tried += 1
    if (this.flaky > 0 && this.tried % this.flaky === 0) return { ErrorCode: 'ProvisionedThroughputExceededException' }
    const shard = `shardId-00000000000${(createHash('sha256').update(partitionKey).digest()[0] ?? 0) % 2}`
    // Sequence numbers grow by one digit on the way.
    const sequenceNumber = String(9_900 + this.records.length)
    const kinesis = { sequenceNumber, partitionKey, data: data.toString('base64'), approximateArrivalTimestamp: arrived / 1000 }
    this.records.push({ eventID: `${shard}:${sequenceNumber}`, kinesis } as KinesisStreamRecord)
    this.puts.push([partitionKey, data.toString()])
    return { ShardId: shard, SequenceNumber: sequenceNumber }
  }

  async s3(command: Command): Promise<unknown> {
    if (command.constructor.name !== 'ListObjectsV2Command') return this.quarantine.s3.send(command as never)
    const prefix = String(command.input['Prefix'] ?? '')
    return { Contents: [...this.quarantine.objects.keys()].filter(key => key.startsWith(prefix)).map(Key => ({ Key })) }
  }

  async lambda({ input }: Command): Promise<unknown> {
    const answer = await this.functions[String(input['FunctionName'])]?.(parsed(String(input['Payload'])) as object)
    return { Payload: Buffer.from(JSON.stringify(answer ?? null)) }
  }

  /** What is kept aside, by its keys, with the bodies as text. */
  async aside(): Promise<unknown[]> {
    const { Items = [] } = await this.quarantine.dynamodb.send(new ScanCommand({ TableName: 'quarantine', Limit: 1e6 }))
    const items = Items.map(({ body, ...item }) => ({ ...item, ...(body?.B && { body: gunzipSync(body.B).toString() }) }))
    const keyOf = (item: object) => (item as Attributes)['key']?.S ?? ''
    const sorted = items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    // The name of an object of very many events is a hash over their sentences, too.
    const objects = [...this.quarantine.objects].map(([key, bytes]) => {
      const text = key.endsWith('.gz') ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString()
      return key.startsWith('refused/') ? ['refused/', text.split('\n').map(parsed)] : [key, text]
    })
    return [...sorted, ...objects.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]
  }
}

/** A change as a function gets it: bytes in base64. */
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
/** Makes the stores that every client reaches from now on. */
export const newCloud = (): Cloud => {
  current = new Cloud()
  return current
}

/** Metrics of the last hour: any numbers, always the same. */
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
