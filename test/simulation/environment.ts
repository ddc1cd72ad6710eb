import type { Choices } from './choices.ts'
import type { Code } from './code.ts'
import { type Conditions, drawConditions } from './conditions.ts'
import { Invocations } from './invocations.ts'
import { Meetings } from './meetings.ts'
import type { LogEntry } from './oracle.ts'
import { SearchIndex } from './search-index.ts'
import { Stream } from './stream.ts'
import { type Attributes, Table, userOf } from './table.ts'

export const functionNames = ['state', 'windows', 'documents'] as const
export type FunctionName = (typeof functionNames)[number]

/** The stores, the clock and the deployed code of a run: what its parts share. */
export class Environment {
  readonly code: Code
  readonly choices: Choices
  readonly conditions: Conditions
  readonly table = new Table(
    () => this.now,
    item => this.noteCommit(item),
  )
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
  /** The functions with the new code: it no longer throws on poison, and has one more projection of each user and of windows. */
  readonly deployed = new Set<FunctionName>()
  /** Whether an item of the table expired. */
  expired = false

  constructor(code: Code, choices: Choices) {
    this.code = code
    this.choices = choices
    this.conditions = drawConditions(choices)
    this.stream = new Stream(choices)
    const addTrace = (text: string) => this.addTrace(text)
    this.invocations = new Invocations(choices, this.table, this.index, addTrace, () => this.steps, this.meetings)
  }

  addTrace(text: string): void {
    this.trace.push(`${this.steps} ${text}`)
  }

  private noteCommit({ pk, sk, passedOver }: Attributes): void {
    const user = sk?.S === 'state' ? userOf(pk?.S) : undefined
    if (user === undefined) return
    this.meetings.commit(user)
    if (passedOver) this.meetings.touch([user], 'passed over')
  }

  items() {
    return [...this.table.items.values()].map(attributes => this.code.items.readItem(attributes))
  }
}
