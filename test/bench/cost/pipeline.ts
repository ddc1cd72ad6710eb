import type { DynamoDBRecord, KinesisStreamRecord } from 'aws-lambda'
import type { Batch } from '../../../infra/settings-types.ts'
import type { StreamRecord } from '../../../lambdas/ingest/plan-records.ts'
import { seeded } from '../../fixtures/quota-load.ts'
import { ingestFunction, type Meters, readers, type Stores } from './functions.ts'
import { type Calls, callsOf, LATENCY, waitedMs } from './latency.ts'
import { Mapping } from './mapping.ts'
import { newFunctionMeter } from './metered-function.ts'
import { MeteredTable, newMeter } from './metered-table.ts'
import type { PostedRequest } from './mixes.ts'
import { countRecord, countRequest, newWire, readerRecord, requestInput, SHARD } from './wire.ts'

/** Lambda asks a stream of Kinesis once a second, and a table's stream four times. */
const STREAM_POLL_MS = 1000
const TABLE_POLL_MS = 250
/** OpenSearch shows what was written after its next refresh. */
const REFRESH_MS = 1000

export interface Mappings {
  readonly state: Batch
  readonly windows: Batch
  readonly documents: Batch
  readonly rawEvents: Batch
}

export interface Load {
  readonly requests: Generator<PostedRequest>
  readonly start: number
  /** Before this time the stores are filled, and nothing is metered. */
  readonly measureFrom: number
  readonly end: number
  readonly mappings: Mappings
  /** Mappings until `measureFrom`: larger batches fill the stores sooner. */
  readonly filling?: Mappings
  readonly stores: Omit<Stores, 'table' | 'pages' | 'now'>
  /** Whether the functions' environments are replaced each hour. */
  readonly freshEachHour?: boolean
}

/** One shard of a stage under a load, by a simulated clock. */
export class Pipeline {
  now: number
  events = 0
  readonly meters: Meters = {
    ...{ ingest: newFunctionMeter(), state: newFunctionMeter(), windows: newFunctionMeter() },
    ...{ 'index-documents': newFunctionMeter(), 'index-events': newFunctionMeter() },
  }
  readonly wire = newWire()
  readonly table: MeteredTable
  readonly pages: MeteredTable
  /** Milliseconds from POST until a search finds the document, of users and of windows. */
  readonly freshness: Readonly<Record<'user' | 'window', number[]>> = { user: [], window: [] }
  readonly readers: ReturnType<typeof readers>
  private readonly ingest: ReturnType<typeof ingestFunction>
  private readonly load: Load
  private readonly random = seeded(7)
  private sequence = 0
  /** What the next changes of the table contain, by user. */
  private inFlight = new Map<string, number[]>()
  private state!: Mapping<{ readonly record: KinesisStreamRecord; readonly user: string; readonly at: number }>
  private rawEvents!: Mapping<KinesisStreamRecord>
  private windows!: Mapping<Change>
  private documents!: Mapping<Change>

  constructor(load: Load) {
    this.load = load
    this.now = load.start
    const now = () => this.now
    this.table = new MeteredTable(now, change => this.onChange(change))
    this.pages = new MeteredTable(now)
    this.readers = readers(this.meters, { ...load.stores, table: this.table, pages: this.pages, now })
    this.ingest = ingestFunction(this.meters, now, records => this.onRecords(records))
    this.map(load.filling ?? load.mappings)
  }

  get leases(): number {
    return this.ingest.leases.count
  }

  get invocations() {
    return {
      state: this.state.invocations,
      windows: this.windows.invocations,
      documents: this.documents.invocations,
      events: this.rawEvents.invocations,
    }
  }

  private map({ state, windows, documents, rawEvents }: Mappings): void {
    this.state = new Mapping(state, STREAM_POLL_MS, (batch, now) => this.fold(batch, now))
    this.rawEvents = new Mapping(rawEvents, STREAM_POLL_MS, (batch, now) => this.at(now, this.readers.events({ Records: batch })))
    this.windows = new Mapping(windows, TABLE_POLL_MS, (batch, now) => this.merge(batch, now))
    this.documents = new Mapping(documents, TABLE_POLL_MS, (batch, now) => this.index(batch, now))
  }

  async run(): Promise<void> {
    const { requests, end, measureFrom, freshEachHour } = this.load
    let request = requests.next().value as PostedRequest
    let measured = false
    let hour = 0
    for (;;) {
      const due = this.due()
      const at = Math.min(request.at, due)
      if (!measured && at >= measureFrom) {
        await this.drain()
        this.startMeasuring()
        measured = true
        continue
      }
      if (request.at >= end) break
      if (freshEachHour && Math.floor(at / 3_600_000) > hour) {
        hour = Math.floor(at / 3_600_000)
        this.readers.emptyCaches()
      }
      if (due <= request.at) await this.runNext(due)
      else {
        await this.post(request)
        request = requests.next().value as PostedRequest
      }
    }
    await this.drain()
  }

  private mappings(): Mapping<never>[] {
    return [this.state, this.windows, this.documents, this.rawEvents] as never
  }

  private due(): number {
    return Math.min(...this.mappings().map(mapping => mapping.due()))
  }

  private async runNext(due: number): Promise<void> {
    await this.mappings()
      .find(mapping => mapping.due() === due)
      ?.run()
  }

  private async drain(): Promise<void> {
    for (let due = this.due(); due < Number.POSITIVE_INFINITY; due = this.due()) await this.runNext(due)
  }

  private startMeasuring(): void {
    for (const meter of Object.values(this.meters)) Object.assign(meter, newFunctionMeter())
    Object.assign(this.wire, newWire())
    Object.assign(this.readers.client.used, { requests: 0, documents: 0, bytes: 0 })
    this.table.meter = newMeter()
    this.pages.meter = newMeter()
    for (const table of [this.table, this.pages]) Object.assign(table, { windowBytes: 0, bytesPut: 0 })
    this.ingest.leases.count = 0
    this.events = 0
    for (const list of Object.values(this.freshness)) list.length = 0
    this.map(this.load.mappings)
  }

  private async post(request: PostedRequest): Promise<void> {
    this.now = request.at
    this.events += request.events
    countRequest(this.wire, request)
    this.meters.ingest.waitMs += LATENCY.putRecords
    await this.ingest.invoke(requestInput(request))
  }

  private onRecords(records: readonly StreamRecord[]) {
    const arrived = this.now + LATENCY.api + LATENCY.putRecords
    return records.map(put => {
      countRecord(this.wire, put)
      const sequence = `496544${String(++this.sequence).padStart(50, '0')}`
      const record = readerRecord(put, sequence, arrived)
      this.state.add({ record, user: put.partitionKey, at: this.now }, arrived)
      this.rawEvents.add(record, arrived)
      return { shard: SHARD, sequence }
    })
  }

  private async at(now: number, work: Promise<number>): Promise<number> {
    this.now = now
    return work
  }

  private async fold(batch: readonly { record: KinesisStreamRecord; user: string; at: number }[], now: number): Promise<number> {
    this.now = now
    this.inFlight = groupTimes(batch.map(({ user, at }) => [user, [at]] as const))
    const before = this.calls()
    const cpu = await this.readers.state({ Records: batch.map(({ record }) => record) })
    return cpu + this.waited('state', before)
  }

  private async merge(batch: readonly Change[], now: number): Promise<number> {
    this.now = now
    this.inFlight = groupTimes(batch.map(({ user, posted }) => [user, posted] as const))
    const before = this.calls()
    const cpu = await this.readers.windows({ Records: batch.map(({ change }) => change) })
    return cpu + this.waited('windows', before)
  }

  private async index(batch: readonly Change[], now: number): Promise<number> {
    this.now = now
    const cpu = await this.readers.documents({ Records: batch.map(({ change }) => change) })
    const done = now + cpu + LATENCY.bulk
    for (const { kind, posted } of batch)
      for (const at of posted) this.freshness[kind].push(done + this.random() * REFRESH_MS - at)
    this.meters['index-documents'].waitMs += LATENCY.bulk
    return cpu + LATENCY.bulk
  }

  private calls(): Calls {
    return callsOf(this.table.meter, this.pages.meter)
  }

  /** How long the calls since `before` were waited for. */
  private waited(name: 'state' | 'windows', before: Calls): number {
    const ms = waitedMs(before, this.calls())
    this.meters[name].waitMs += ms
    return ms
  }

  private onChange(change: DynamoDBRecord): void {
    const { pk, sk } = change.dynamodb?.NewImage ?? {}
    const user = pk?.S?.startsWith('user#') ? pk.S.slice('user#'.length) : undefined
    if (user === undefined) return
    const kind = sk?.S === 'state' ? 'user' : 'window'
    const posted = this.inFlight.get(user) ?? []
    const at = this.now + LATENCY.put
    if (kind === 'user') this.windows.add({ change, kind, user, posted }, at)
    this.documents.add({ change, kind, user, posted }, at)
  }
}

interface Change {
  readonly change: DynamoDBRecord
  readonly kind: 'user' | 'window'
  readonly user: string
  readonly posted: readonly number[]
}

function groupTimes(entries: readonly (readonly [string, readonly number[]])[]): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const [user, times] of entries) groups.set(user, [...(groups.get(user) ?? []), ...times])
  return groups
}
