import type { Choices } from './choices.ts'
import type { Conditions } from './conditions.ts'
import { type FunctionName, functionNames } from './function-names.ts'
import type { Meetings } from './meetings.ts'

interface Surroundings {
  readonly choices: Choices
  readonly conditions: Conditions
  readonly meetings: Meetings
  addTrace(text: string): void
}

/** Which functions have the new code. They are updated one by one, in any order, and may be rolled back half-way or at the end. */
export class Deployment {
  private readonly environment: Surroundings
  /** Updated functions. Their code no longer throws on poison, and has one more projection of windows. */
  private readonly updated = new Set<FunctionName>()
  private target: 'old' | 'new' = 'old'
  private turns = 0
  /** Whether a long time passed while functions did not know what another one wrote. */
  hasWaited = false
  /** How often a function was updated or rolled back. */
  updates = 0

  constructor(environment: Surroundings) {
    this.environment = environment
  }

  isNew(name: FunctionName): boolean {
    return this.updated.has(name)
  }

  private waiting(): FunctionName[] {
    return functionNames.filter(name => this.updated.has(name) !== (this.target === 'new'))
  }

  /** Whether the next function may be updated. */
  isRunning(): boolean {
    return this.waiting().length > 0 && !this.isStalled()
  }

  /** Whether it waits half-way until a long time has passed. */
  isStalled(): boolean {
    return this.environment.conditions.stalls && !this.hasWaited && this.isNew('state') && !this.isNew('windows')
  }

  /** Whether some function does not know what another one wrote, so that only time or an update lets it continue. */
  isBlocking(): boolean {
    return this.updates > 0 && this.updated.size < functionNames.length
  }

  /** Whether a deployment, a roll-back or a second deployment may begin. */
  mayTurn(): boolean {
    const { deploys, mostTurns, rollsBack } = this.environment.conditions
    return deploys && (this.turns === 0 || (rollsBack && this.turns < mostTurns))
  }

  turn(): void {
    this.turns += 1
    this.target = this.target === 'old' ? 'new' : 'old'
    this.step()
  }

  /** Updates one function, or rolls it back. */
  step(): void {
    const { choices, conditions, meetings } = this.environment
    const waiting = this.waiting()
    if (waiting.length === 0) return
    // Unless a run stalls, no function meets a projection that it does not know in this order.
    const isStateFirst = conditions.stalls || this.target === 'old'
    const first = waiting.filter(name => (name === 'state') === isStateFirst)
    const name = choices.pick((conditions.readersFirst || conditions.stalls) && first.length > 0 ? first : waiting)
    this.updates += 1
    if (this.target === 'new') this.updated.add(name)
    else this.updated.delete(name)
    meetings.touchAll(this.target === 'new' ? 'deployment' : 'roll-back')
    this.environment.addTrace(`the ${this.target} code of ${name} is deployed`)
  }
}
