import type { PagesTable, pageCache } from '../../lambdas/state/dynamodb-pages.ts'
import type { Choices } from './choices.ts'
import type { Code } from './code.ts'
import { blamedIn } from './commits.ts'
import { type Conditions, drawConditions } from './conditions.ts'
import { Deployment } from './deployment.ts'
import { type Draw, drawsOf } from './draws.ts'
import type { FunctionName } from './function-names.ts'
import { type Clients, Invocations } from './invocations.ts'
import { type Fault, Meetings } from './meetings.ts'
import type { LogEntry } from './oracle.ts'
import type { Behaviour } from './projections.ts'
import { SimQuarantine } from './quarantine.ts'
import { SearchIndex } from './search-index.ts'
import { Stream } from './stream.ts'
import { type Attributes, type CallOperation, keyOf, Table, userOf } from './table.ts'

/** The stores, the clock and the deployed code of a run: what its parts share. */
export class Environment {
  readonly code: Code
  readonly choices: Choices
  readonly conditions: Conditions
  readonly table = new Table(
    () => this.now,
    item => this.noteCommit(item),
  )
  /** The table of pages, without a stream. */
  readonly pages = new Table(() => this.now)
  /** What the environments of functions have cached of it. */
  private readonly caches: readonly ReturnType<typeof pageCache>[]
  /** Which faults touched the same user. */
  readonly meetings = new Meetings()
  readonly index = new SearchIndex()
  readonly stream: Stream
  readonly invocations: Invocations
  /** Every record that the producer put, in order. */
  readonly log: LogEntry[] = []
  readonly trace: string[] = []
  /** Contracts of the product's parts that a call broke. */
  readonly violations: string[] = []
  /** Milliseconds since 1970. */
  now = 1_700_000_000_000
  steps = 0
  readonly quarantine = new SimQuarantine()
  readonly deployment: Deployment
  /** The item of each user as it was put, in order. */
  readonly commits = new Map<string, readonly Attributes[]>()
  /** The events whose folds the function did not survive, as it noted, as `sequence number#position`. */
  readonly blamed = new Set<string>()
  /** The deltas that were stored for a roll-back or a deployment, by key, and in which step. */
  readonly storedDeltas = new Map<string, number>()
  /** The step in which the last windows function began that knows all projections and ended without an error. */
  windowsKnewAll = 0
  /** What each commit of a user's item decided for windows: the numbers that impure folds drew. */
  readonly draws: Draw[] = []
  /** How often an event without an id was rejected by ingest, by its key in the quarantine. */
  readonly withoutId = new Map<string, number>()
  /** The keys of what replays began to put or to merge. */
  readonly replayedKeys = new Set<string>()
  /** The items that expired, as they were last. */
  readonly expired = new Map<string, Attributes>()

  constructor(code: Code, choices: Choices) {
    this.code = code
    this.choices = choices
    this.conditions = drawConditions(choices)
    this.stream = new Stream(choices)
    this.caches = [code.pagesTable.pageCache(), code.pagesTable.pageCache()]
    const addTrace = (text: string) => this.addTrace(text)
    this.deployment = new Deployment(this)
    this.invocations = new Invocations(this, addTrace)
  }

  addTrace(text: string): void {
    this.trace.push(`${this.steps} ${text}`)
  }

  /** An invocation runs in an environment that has cached pages, or in a new one. */
  pagesOf(call: CallOperation): PagesTable {
    const cache = this.choices.pick([...this.caches, this.code.pagesTable.pageCache()])
    return this.code.pagesTable.pagesTable('pages', this.pages.operations(call), cache)
  }

  private noteCommit(item: Attributes): void {
    const { pk, sk, passedOver, out } = item
    if (pk?.S?.startsWith('retired#')) this.storedDeltas.set(keyOf(item), this.steps)
    for (const at of blamedIn(item)) this.blamed.add(at)
    const user = sk?.S === 'state' ? userOf(pk?.S) : undefined
    if (user === undefined) return
    this.commits.set(user, [...(this.commits.get(user) ?? []), item])
    this.meetings.commit(user)
    if (passedOver) this.meetings.touch([user], 'passed over')
    if (this.conditions.impure) this.draws.push(...drawsOf(user, out?.S ?? '[]'))
  }

  /** How the projections of one invocation misbehave. */
  behaviour(role: FunctionName, { users, hang }: Pick<Clients, 'users' | 'hang'>): Behaviour {
    const { choices, conditions, meetings } = this
    const happens = (fault: Fault, probability: number): boolean => {
      if (!conditions.impure || !choices.chance(probability)) return false
      meetings.touch(users, fault)
      return true
    }
    return {
      role,
      throws: () => happens('impure projection', 0.1),
      draw: () => (conditions.impure ? choices.below(1000) : 0),
      hang,
    }
  }

  items() {
    return [...this.table.items.values()].map(attributes => this.code.items.readItem(attributes))
  }

  /** The items that expired and were not written again. */
  expiredItems() {
    const gone = [...this.expired].filter(([key]) => !this.table.items.has(key))
    return gone.map(([, attributes]) => this.code.items.readItem(attributes))
  }
}
