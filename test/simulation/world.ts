import type { Choices } from './choices.ts'
import type { Code } from './code.ts'
import { MAX_LAG_MS, RETENTION_MS } from './conditions.ts'
import { Consumers } from './consumers.ts'
import { Environment } from './environment.ts'
import { Failures } from './failures.ts'
import type { Invocation } from './invocations.ts'
import type { Fault } from './meetings.ts'
import { Producer } from './producer.ts'
import { Removal } from './removal.ts'
import { Replays } from './replays.ts'

const STEPS = 20_000
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

type Action = readonly [weight: number, act: () => void]

/** Runs the product's functions under faults: on a stream with its mapping, a table with its two consumers, and an index. */
export class World {
  readonly environment: Environment
  private readonly producer: Producer
  private readonly consumers: Consumers
  private readonly removal: Removal
  private readonly failures: Failures
  private readonly replays: Replays
  private jumped = false

  constructor(code: Code, choices: Choices) {
    this.environment = new Environment(code, choices)
    this.producer = new Producer(this.environment)
    this.failures = new Failures(this.environment)
    this.replays = new Replays(this.environment, this.producer)
    this.consumers = new Consumers(this.environment, this.failures)
    this.removal = new Removal(this.environment, this.consumers)
  }

  /** Runs until every function has processed every record and no invocation runs. Returns false if STEPS steps are not enough. */
  async run(): Promise<boolean> {
    const { choices } = this.environment
    for (this.environment.steps = 0; this.environment.steps < STEPS; this.environment.steps++) {
      const duties = this.duties()
      const inputs = this.producer.left > 0 && !choices.spent() ? this.inputs() : []
      if (duties.length === 0 && inputs.length === 0) return true
      this.choose([...duties, ...inputs, ...this.expiry(), ...this.expiryOfPages()])()
      await new Promise(setImmediate)
    }
    return false
  }

  private choose(actions: readonly Action[]): () => void {
    let at = this.environment.choices.below(actions.reduce((sum, [weight]) => sum + weight, 0))
    const chosen = actions.find(([weight]) => {
      at -= weight
      return at < 0
    })
    return chosen?.[1] ?? (() => {})
  }

  /** Actions that must happen before the run can end. */
  private duties(): Action[] {
    const { deployment, invocations, stream } = this.environment
    const waiting = invocations.live.filter(({ calls }) => calls.length > 0)
    // At the end of the choices the first action is taken: sometimes it is time that passes.
    const passing = this.passing()
    if (passing.length > 0 && this.environment.choices.spent() && this.environment.steps % 37 === 0) return passing
    return [
      ...(deployment.isRunning() ? [[1, () => deployment.step()] as Action] : []),
      ...(this.failures.isWaiting() ? [[2, () => this.failures.collect()] as Action] : []),
      ...waiting.map((invocation): Action => [8, () => this.proceed(invocation)]),
      ...stream.ready().map((shard): Action => [6, () => this.consumers.startState(shard)]),
      ...this.consumers.withWork().map((consumer): Action => [4, () => this.consumers.start(consumer)]),
      ...(this.removal.mustSweep() ? [[2, () => this.removal.sweep()] as Action] : []),
      ...passing,
    ]
  }

  /** Time that must pass: until an unknown projection is given up, or until a fold that hangs has spent its budget. */
  private passing(): Action[] {
    const { conditions, deployment, invocations, stream } = this.environment
    const isWaiting = deployment.isBlocking() && !this.consumers.havePassed() && stream.isRead()
    const isStuck =
      conditions.hangs && !stream.isRead() && invocations.live.every(({ began }) => this.environment.steps - began < 200)
    return [
      ...(isWaiting ? [[deployment.isStalled() ? 6 : 2, () => this.waitLong()] as Action] : []),
      ...(isStuck ? [[1, () => this.advance([5_000, 12_000])] as Action] : []),
    ]
  }

  /** Longer than a function waits for a projection that it does not know. */
  private waitLong(): void {
    this.advance([16 * MINUTE_MS])
    // More records, so that users with deltas that are given up are written again.
    const { deployment } = this.environment
    if (deployment.isBlocking() && !deployment.hasWaited && !this.isPausing()) this.producer.left += 4
    deployment.hasWaited = true
    this.environment.meetings.touchAll('long wait')
  }

  private proceed(invocation: Invocation): void {
    const { conditions, invocations, steps, table } = this.environment
    table.unthrottle(steps)
    invocations.proceed(invocation, conditions)
  }

  private inputs(): Action[] {
    const { conditions, deployment, invocations, meetings, now, steps, stream, table } = this.environment
    if (this.isPausing()) return this.pause()
    // Deltas are given up before further commits of their users.
    const isGivingUp = conditions.hangs && deployment.hasWaited && deployment.isBlocking() && !this.consumers.havePassed()
    const actions: Action[] = [
      [isGivingUp && !meetings.isOpen('delta given up') ? 0 : 4, () => this.producer.produce()],
      [1, () => this.reshard()],
    ]
    if (stream.lag(now) < MAX_LAG_MS && invocations.live.every(({ began }) => steps - began < 200))
      actions.push([3, () => this.advance([1, 1000, 2000, 5000])])
    if (conditions.waits && stream.isRead()) actions.push([1, () => this.waitLong()])
    // Between an expiry, a fold that hangs or a delta that is given up and the next commit of its user is little time.
    const isHurried = this.jumped || deployment.hasWaited
    const isRare = (fault: Fault): boolean => conditions.hangs && meetings.isOpen(fault)
    const turnWeight = Math.max(conditions.turnWeight, isHurried ? 3 : 1)
    if (deployment.mayTurn()) actions.push([isRare('delta given up') ? 20 : turnWeight, () => deployment.turn()])
    if (this.replays.isPossible()) actions.push([isRare('hang') ? 20 : isHurried ? 9 : 3, () => this.replays.start()])
    if (conditions.replays && conditions.withoutIds) actions.push([1, () => this.producer.sendWithoutId()])
    if (table.items.size > 0) actions.push([1, () => this.heat()])
    return actions
  }

  /** Whether much time passes at once before the next record. */
  private isPausing(): boolean {
    const { conditions } = this.environment
    // In a third of these runs few records follow the jump: a new item of an expired user then has had few writes.
    const after = conditions.records * (conditions.records % 3 === 0 ? 0.25 : 0.5)
    return conditions.jumps && !this.jumped && this.producer.left <= after
  }

  /** The producer waits until everything is processed, including the sweep. Then much time passes at once. */
  private pause(): Action[] {
    const { invocations, stream } = this.environment
    const isBusy = invocations.live.length > 0 || this.consumers.withWork().length > 0 || this.removal.unswept().length > 0
    const jump = () => {
      this.jumped = true
      this.advance([2 * DAY_MS, 2 * DAY_MS, 50_000])
    }
    return isBusy || !stream.isRead() || !this.failures.isDone() ? [] : [[1, jump]]
  }

  private advance(by: readonly number[]): void {
    this.environment.now += this.environment.choices.pick(by)
    this.environment.addTrace(`it is ${this.environment.now}`)
  }

  private reshard(): void {
    const { stream } = this.environment
    stream.reshard()
    this.environment.meetings.touchAll('resharding')
    this.environment.addTrace(`open shards: ${stream.shards.filter(({ open }) => open).map(({ id }) => id)}`)
  }

  private heat(): void {
    const { choices, steps, table } = this.environment
    const item = choices.pick([...table.items.keys()])
    const key = choices.chance(0.3) ? item.slice(0, item.indexOf('|') + 1) : item
    table.throttle(key, steps + choices.pick([10, 40, 150]))
    this.environment.addTrace(`${key} is throttled for a while`)
  }

  private expiryOfPages(): Action[] {
    const expired = this.removal.expiredPages()
    return expired.length > 0 ? [[4, () => this.removal.expirePage(this.environment.choices.pick(expired))]] : []
  }

  /** Expired items may be removed while nothing is running that could change them. */
  private expiry(): Action[] {
    const { choices, invocations, now, stream } = this.environment
    if (
      !this.failures.isDone() ||
      invocations.live.length > 0 ||
      this.consumers.withWork().length > 0 ||
      stream.lag(now) >= RETENTION_MS
    )
      return []
    const expired = this.removal.expired()
    return expired.length > 0 ? [[12, () => this.removal.expire(choices.pick(expired))]] : []
  }
}
