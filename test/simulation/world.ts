import type { Choices } from './choices.ts'
import type { Code } from './code.ts'
import { MAX_LAG_MS, RETENTION_MS } from './conditions.ts'
import { Consumers } from './consumers.ts'
import { Environment, functionNames } from './environment.ts'
import type { Invocation } from './invocations.ts'
import { Producer } from './producer.ts'
import { Removal } from './removal.ts'

const STEPS = 20_000
const DAY_MS = 86_400_000

type Action = readonly [weight: number, act: () => void]

/** Runs the product's functions under faults: on a stream with its mapping, a table with its two consumers, and an index. */
export class World {
  readonly environment: Environment
  private readonly producer: Producer
  private readonly consumers: Consumers
  private readonly removal: Removal
  private jumped = false

  constructor(code: Code, choices: Choices) {
    this.environment = new Environment(code, choices)
    this.producer = new Producer(this.environment)
    this.consumers = new Consumers(this.environment)
    this.removal = new Removal(this.environment, this.consumers)
  }

  /** Runs until every function has processed every record and no invocation runs. Returns false if STEPS steps are not enough. */
  async run(): Promise<boolean> {
    const { choices } = this.environment
    for (this.environment.steps = 0; this.environment.steps < STEPS; this.environment.steps++) {
      const duties = this.duties()
      const inputs = this.producer.left > 0 && !choices.spent() ? this.inputs() : []
      if (duties.length === 0 && inputs.length === 0) return true
      this.choose([...duties, ...inputs, ...this.expiry()])()
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
    const { deployed, invocations, stream } = this.environment
    const isDeploying = deployed.size > 0 && deployed.size < functionNames.length
    const waiting = invocations.live.filter(({ calls }) => calls.length > 0)
    return [
      ...(isDeploying ? [[1, () => this.deploy()] as Action] : []),
      ...waiting.map((invocation): Action => [8, () => this.proceed(invocation)]),
      ...stream.ready().map((shard): Action => [6, () => this.consumers.startState(shard)]),
      ...this.consumers.withWork().map((consumer): Action => [4, () => this.consumers.start(consumer)]),
      ...(this.removal.mustSweep() ? [[2, () => this.removal.sweep()] as Action] : []),
    ]
  }

  private proceed(invocation: Invocation): void {
    const { conditions, invocations, steps, table } = this.environment
    table.unthrottle(steps)
    invocations.proceed(invocation, conditions)
  }

  private inputs(): Action[] {
    const { conditions, deployed, invocations, now, steps, stream, table } = this.environment
    if (conditions.jumps && !this.jumped && this.producer.left <= conditions.records / 2) return this.pause()
    const actions: Action[] = [
      [4, () => this.producer.produce()],
      [1, () => this.reshard()],
    ]
    if (stream.lag(now) < MAX_LAG_MS && invocations.live.every(({ began }) => steps - began < 200))
      actions.push([3, () => this.advance([1, 1000, 2000, 5000])])
    if (conditions.deploys && deployed.size === 0) actions.push([1, () => this.deploy()])
    if (conditions.replays && invocations.quarantined.size > 0) actions.push([3, () => this.producer.replay()])
    if (table.items.size > 0) actions.push([1, () => this.heat()])
    return actions
  }

  /** The producer waits until everything is processed, including the sweep. Then much time passes at once. */
  private pause(): Action[] {
    const { invocations, stream } = this.environment
    const isBusy = invocations.live.length > 0 || this.consumers.withWork().length > 0 || this.removal.unswept().length > 0
    const jump = () => {
      this.jumped = true
      this.advance([2 * DAY_MS, 50_000])
    }
    return isBusy || !stream.isRead() ? [] : [[1, jump]]
  }

  private advance(by: readonly number[]): void {
    this.environment.now += this.environment.choices.pick(by)
    this.environment.addTrace(`it is ${this.environment.now}`)
  }

  /** Updates one function. A batch with states or deltas that a function does not know waits for its update. */
  private deploy(): void {
    const { choices, conditions, deployed } = this.environment
    const waiting = functionNames.filter(name => !deployed.has(name))
    const readers = waiting.filter(name => name !== 'state')
    const name = choices.pick(conditions.readersFirst && readers.length > 0 ? readers : waiting)
    deployed.add(name)
    this.environment.meetings.touchAll('deployment')
    this.environment.addTrace(`the new code of ${name} is deployed`)
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

  /** Expired items may be removed while nothing is running that could change them. */
  private expiry(): Action[] {
    const { choices, invocations, now, stream } = this.environment
    if (invocations.live.length > 0 || this.consumers.withWork().length > 0 || stream.lag(now) >= RETENTION_MS) return []
    const expired = this.removal.expired()
    return expired.length > 0 ? [[12, () => this.removal.expire(choices.pick(expired))]] : []
  }
}
