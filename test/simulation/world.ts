import type { Event } from '../../shared/event.ts'
import type { UserItem } from '../../shared/state.ts'
import type { Choices } from './choices.ts'
import type { Code } from './code.ts'
import { type Invocation, Invocations, type Owner } from './invocations.ts'
import type { Limits, LogEntry } from './oracle.ts'
import { type SimData, simProjections, WINDOW_SECONDS } from './projections.ts'
import { SearchIndex } from './search-index.ts'
import { type Shard, Stream } from './stream.ts'
import { keyOf, Table } from './table.ts'

export const limits: Limits = { identityMs: 15_000, identityCount: 5, latenessMs: 30_000 }
const RETENTION_MS = 20_000
const LAG_MS = 8_000
/** How long after its first attempt ingest may put a record repeated. */
const RETRY_MS = 6_000
const STEPS = 20_000
const DAY_MS = 86_400_000

interface Consumer {
  readonly name: 'windows' | 'documents'
  readonly shard: number
  position: number
  running: Invocation | undefined
}

type Action = readonly [weight: number, act: () => void]

/** The faults and inputs of a run, drawn at its beginning. */
const drawConditions = (choices: Choices) => ({
  throttled: choices.pick([0, 0.03, 0.15]),
  responseLost: choices.pick([0, 0.03]),
  crash: choices.pick([0, 0.01, 0.05]),
  zombie: choices.pick([0, 0.02, 0.08]),
  heavy: choices.chance(0.1),
  erases: choices.chance(0.35),
  jumps: choices.chance(0.4),
  deploys: choices.chance(0.15),
  records: 3 + choices.below(14),
})

/** Runs the product's functions under faults: on a stream with its mapping, a table with its two consumers, and an index. */
export class World {
  readonly table = new Table()
  readonly index = new SearchIndex()
  readonly invocations: Invocations
  readonly log: LogEntry[] = []
  readonly trace: string[] = []
  readonly conditions: ReturnType<typeof drawConditions>
  expired = false
  private readonly code: Code
  private readonly choices: Choices
  private readonly stream: Stream
  /** The position of each user's hash key, 0 to 99. */
  private readonly positions: Record<string, number>
  private readonly consumers: Consumer[]
  private readonly swept = new Map<string, { erasedOrder: number; noticed: number; done: boolean }>()
  private now = 1_700_000_000_000
  private steps = 0
  /** Records that are still to be produced. */
  private left: number
  private eventCount = 0
  private jumped = false
  /** Whether the code that no longer throws on poison is deployed. */
  private fixed = false

  constructor(code: Code, choices: Choices) {
    this.code = code
    this.choices = choices
    this.conditions = drawConditions(choices)
    this.left = this.conditions.records
    this.stream = new Stream(choices)
    this.invocations = new Invocations(choices, this.table, this.index, text => this.addTrace(text))
    this.positions = { a: choices.below(100), b: choices.below(100), c: choices.below(100) }
    const names = ['windows', 'documents'] as const
    this.consumers = names.flatMap(name => [0, 1].map(shard => ({ name, shard, position: 0, running: undefined })))
  }

  /** Runs until every function has processed every record and no invocation runs. Returns false if STEPS steps are not enough. */
  async run(): Promise<boolean> {
    for (this.steps = 0; this.steps < STEPS; this.steps++) {
      const duties = this.duties()
      const inputs = this.left > 0 && !this.choices.spent() ? this.inputs() : []
      if (duties.length === 0 && inputs.length === 0) return true
      this.choose([...duties, ...inputs, ...this.expiry()])()
      await new Promise(setImmediate)
    }
    return false
  }

  private choose(actions: readonly Action[]): () => void {
    let at = this.choices.below(actions.reduce((sum, [weight]) => sum + weight, 0))
    const chosen = actions.find(([weight]) => {
      at -= weight
      return at < 0
    })
    return chosen?.[1] ?? (() => {})
  }

  private addTrace(text: string): void {
    this.trace.push(`${this.steps} ${text}`)
  }

  /** Actions that must happen before the run can end. */
  private duties(): Action[] {
    const waiting = this.invocations.live.filter(({ calls }) => calls.length > 0)
    return [
      ...waiting.map((invocation): Action => [8, () => this.proceed(invocation)]),
      ...this.stream.ready().map((shard): Action => [6, () => this.startState(shard)]),
      ...this.consumers.filter(each => this.hasWork(each)).map((consumer): Action => [4, () => this.startConsumer(consumer)]),
      ...(this.mustSweep() ? [[2, () => this.sweep()] as Action] : []),
    ]
  }

  private proceed(invocation: Invocation): void {
    this.table.unthrottle(this.steps)
    this.invocations.proceed(invocation, this.conditions)
  }

  private inputs(): Action[] {
    if (this.conditions.jumps && !this.jumped && this.left <= this.conditions.records / 2) return this.pause()
    const { live } = this.invocations
    const lag = this.stream.lag(this.now)
    const actions: Action[] = [
      [4, () => this.produce()],
      [1, () => this.reshard()],
    ]
    if (lag < LAG_MS && live.every(({ began }) => this.steps - began < 200))
      actions.push([3, () => this.advance([1, 1000, 2000, 5000])])
    if (this.conditions.deploys && !this.fixed) actions.push([1, () => this.deploy()])
    if (this.table.items.size > 0) actions.push([1, () => this.heat()])
    return actions
  }

  /** The producer waits until everything is processed, including the sweep. Then much time passes at once. */
  private pause(): Action[] {
    const isBusy =
      this.invocations.live.length > 0 || this.consumers.some(each => this.hasWork(each)) || this.unswept().length > 0
    const jump = () => {
      this.jumped = true
      this.advance([2 * DAY_MS, 50_000])
    }
    return isBusy || !this.stream.isRead() ? [] : [[1, jump]]
  }

  private advance(by: readonly number[]): void {
    this.now += this.choices.pick(by)
    this.addTrace(`it is ${this.now}`)
  }

  private deploy(): void {
    this.fixed = true
    this.addTrace('the fixed code is deployed')
  }

  private reshard(): void {
    this.stream.reshard()
    this.addTrace(`open shards: ${this.stream.shards.filter(({ open }) => open).map(({ id }) => id)}`)
  }

  private heat(): void {
    const key = this.choices.pick([...this.table.items.keys()])
    this.table.throttle(key, this.steps + this.choices.pick([10, 40]))
    this.addTrace(`${key} is throttled for a while`)
  }

  private produce(): void {
    const { choices } = this
    this.left -= 1
    const user = choices.pick(['a', 'a', 'b', 'a', 'b', 'c'])
    const received = this.now - choices.pick([0, 0, 0, 1000, 4000])
    const earlier = this.log.filter(({ erasure }) => !erasure).slice(-6)
    const repeated = choices.pick([undefined, undefined, undefined, undefined, ...earlier])
    if (repeated && choices.chance(0.5)) {
      // A retry of ingest repeats the record; a retry of the client repeats the events.
      const isRecent = this.now - repeated.received <= RETRY_MS
      const events = isRecent && choices.chance(0.5) ? repeated.events : repeated.events.map(event => ({ ...event, received }))
      this.put({ user: repeated.user, events, received: events[0]?.received ?? received, erasure: false })
    } else if (this.conditions.erases && choices.chance(this.expired ? 0.5 : 0.15)) {
      this.put({ user, events: [], received, erasure: true })
    } else {
      const events = Array.from({ length: 1 + choices.below(3) }, () => this.anEvent(user, received))
      if (repeated?.user === user && repeated.events[0]) events.push({ ...repeated.events[0], received })
      this.put({ user, events, received, erasure: false })
    }
  }

  private anEvent(user: string, received: number): Event<SimData> {
    const { choices, conditions } = this
    const windowsAgo = choices.pick([0, 0, 0, 1, 1, 4, 6])
    const data: SimData = {
      at: Math.floor(this.now / 1000) - windowsAgo * WINDOW_SECONDS,
      value: choices.below(10),
      country: choices.pick(['F', 'G', 'I']),
      poison: choices.chance(conditions.deploys ? 0.3 : 0.06),
      weight: conditions.heavy ? choices.pick([0, 0, 90]) : 0,
      width: conditions.heavy ? choices.pick([0, 50]) : 0,
    }
    this.eventCount += 1
    return { id: `e${this.eventCount}`, source: 's', type: 'sim', subject: user, time: 0n, received, data }
  }

  private put({ user, events, received, erasure }: Omit<LogEntry, 'seq' | 'arrived'>): void {
    const { streamRecord, event } = this.code
    const marker = { id: 'x', source: 's', type: event.ERASURE_TYPE, subject: user, time: 0n, received, data: null }
    const lines = (erasure ? [marker] : events).map(each => streamRecord.toLine(each, undefined))
    const seq = this.stream.put(this.positions[user] ?? 0, lines, this.now)
    this.log.push({ seq, user, events, received, arrived: this.now, erasure })
    this.addTrace(`producer puts ${seq} of ${user}: ${erasure ? 'erasure' : events.map(({ id }) => id)}`)
  }

  private startState(shard: Shard): void {
    const from = shard.position
    const batch = shard.records.slice(from, from + 1 + this.choices.below(6))
    const { stateTable, foldBatch } = this.code
    const rules = {
      projections: simProjections(this.code, this.fixed),
      identities: { milliseconds: limits.identityMs, count: limits.identityCount },
      latenessMs: limits.latenessMs,
      retentionMs: RETENTION_MS,
    }
    const rest = { eventTypes: new Map(), rules, retryBudgetMs: Number.POSITIVE_INFINITY, now: () => this.now, telemetry }
    const owner: Owner = {
      ended: result => {
        shard.running = undefined
        const [failure] = (result as { batchItemFailures: { itemIdentifier: string }[] }).batchItemFailures
        const failed = batch.findIndex(({ kinesis }) => kinesis.sequenceNumber === failure?.itemIdentifier)
        shard.position = from + (failed < 0 ? batch.length : failed)
      },
      failed: () => {
        shard.running = undefined
      },
    }
    shard.running = this.invocations.begin(
      `state of ${shard.id} with ${batch.map(({ kinesis }) => kinesis.sequenceNumber)}`,
      this.steps,
      ({ dynamodb, quarantine }) =>
        foldBatch.foldBatch(batch, { table: stateTable.stateTable('t', dynamodb), quarantine, ...rest }),
      owner,
    )
  }

  private hasWork({ shard, position, running }: Consumer): boolean {
    return !running && position < (this.table.streams[shard]?.length ?? 0)
  }

  private startConsumer(consumer: Consumer): void {
    const { name, shard, position: from } = consumer
    const batch = this.table.streams[shard]?.slice(from, from + 1 + this.choices.below(5)) ?? []
    const { stateTable, mergeBatch, indexBatch } = this.code
    const projections = simProjections(this.code, this.fixed)
    const lifetime = { latenessMs: limits.latenessMs, retentionMs: RETENTION_MS }
    const owner: Owner = {
      ended: () => {
        consumer.running = undefined
        consumer.position = from + batch.length
      },
      failed: () => {
        consumer.running = undefined
      },
    }
    consumer.running = this.invocations.begin(
      `${name} of table shard ${shard} from ${from}, ${batch.length} images`,
      this.steps,
      ({ dynamodb, search: client, quarantine }) => {
        const table = stateTable.stateTable('t', dynamodb)
        return name === 'windows'
          ? mergeBatch.mergeBatch(batch, { table, quarantine, projections, lifetime, telemetry })
          : indexBatch.indexBatch(batch, { client, table, quarantine, projections, telemetry, now: () => this.now })
      },
      owner,
    )
  }

  private items() {
    return [...this.table.items.values()].map(attributes => this.code.items.readItem(attributes))
  }

  private isSwept({ user, erasedOrder }: UserItem): boolean {
    const swept = this.swept.get(user)
    return swept?.erasedOrder === erasedOrder && swept.done
  }

  private unswept = (): UserItem[] =>
    this.items()
      .filter(this.code.items.isUserItem)
      .filter(item => item.erasedOrder > 0 && !this.isSwept(item))

  /** Whether there are windows to sweep and the windows function has processed the erasure's image. */
  private mustSweep(): boolean {
    const windowsPassed = this.consumers.every(
      ({ name, shard, position }) => name !== 'windows' || position === this.table.streams[shard]?.length,
    )
    return windowsPassed && this.unswept().length > 0
  }

  private sweep(): void {
    for (const user of this.unswept()) {
      const before = this.swept.get(user.user)
      const noticed = before?.erasedOrder === user.erasedOrder ? before.noticed : this.steps
      const done = this.invocations.live.every(({ began }) => began > noticed)
      this.swept.set(user.user, { erasedOrder: user.erasedOrder, noticed, done })
      if (done) this.deleteWindows(user)
    }
  }

  private deleteWindows(user: UserItem): void {
    const windows = this.items()
      .filter(this.code.items.isPartItem)
      .filter(window => window.user === user.user)
    for (const window of this.code.sweep.windowsToSweep(user, windows)) {
      const { pk, sk } = this.code.grains.userWindowGrain.parts.itemKey(window)
      this.addTrace(`the sweep deletes ${pk} ${sk}`)
      this.table.remove(keyOf({ pk: { S: pk }, sk: { S: sk } }), false)
    }
  }

  /** Expired items may be removed while nothing is running that could change them. */
  private expiry(): Action[] {
    const { live } = this.invocations
    if (live.length > 0 || this.consumers.some(each => this.hasWork(each)) || this.stream.lag(this.now) >= RETENTION_MS) return []
    const unswept = new Set(this.unswept().map(({ user }) => keyOf({ pk: { S: `user#${user}` }, sk: { S: 'state' } })))
    const expired = [...this.table.items].filter(
      ([key, { ttl }]) => !unswept.has(key) && ttl?.N && Number(ttl.N) * 1000 < this.now,
    )
    return expired.length > 0 ? [[12, () => this.expire(this.choices.pick(expired)[0])]] : []
  }

  private expire(key: string): void {
    this.expired = true
    this.addTrace(`${key} expires`)
    this.table.remove(key, true)
  }
}

const telemetry = { count: () => {}, annotate: () => {} }
