import type { PartItem, UserItem } from '../../shared/state.ts'
import type { Consumers } from './consumers.ts'
import type { Environment } from './environment.ts'
import { keyOf, userOf } from './table.ts'

/** How far the sweep of an erased user is. `noticed` and `windowsDeleted` are steps. */
interface Sweep {
  readonly erasedOrder: number
  readonly noticed: number
  windowsDeleted: number | undefined
  done: boolean
}

/** Removes items: the windows of erased users, and expired items. */
export class Removal {
  private readonly environment: Environment
  private readonly consumers: Consumers
  private readonly sweeps = new Map<string, Sweep>()
  /** Windows that expired while their user was erased and not swept, by user. */
  private readonly expiredUnswept = new Map<string, PartItem[]>()

  constructor(environment: Environment, consumers: Consumers) {
    this.environment = environment
    this.consumers = consumers
  }

  unswept(): UserItem[] {
    const { code, conditions, table } = this.environment
    if (!conditions.erases) return []
    // Reading all items in every step would take a fifth of a run.
    const erased = [...table.items.values()].filter(({ erasedOrd, sk }) => sk?.S === 'state' && Number(erasedOrd?.N) > 0)
    return erased.map(code.items.readUserItem).filter(item => !this.isSwept(item))
  }

  private isSwept({ user, erasedOrder }: UserItem): boolean {
    const sweep = this.sweeps.get(user)
    return sweep?.erasedOrder === erasedOrder && sweep.done
  }

  /** Whether there are users to sweep and the windows function has processed the erasure's image. */
  mustSweep(): boolean {
    return this.consumers.windowsPassed() && this.unswept().length > 0
  }

  /** Deletes windows when no invocation runs that may write one, and then documents when none runs that may write one. */
  sweep(): void {
    for (const user of this.unswept()) {
      const sweep = this.sweepOf(user)
      if (sweep.windowsDeleted === undefined) {
        if (!this.haveEnded(sweep.noticed)) continue
        this.deleteWindows(user)
        sweep.windowsDeleted = this.environment.steps
      } else if (this.consumers.havePassed() && this.haveEnded(sweep.windowsDeleted)) {
        this.deleteDocuments(user)
        sweep.done = true
      }
    }
  }

  private sweepOf({ user, erasedOrder }: UserItem): Sweep {
    const before = this.sweeps.get(user)
    if (before?.erasedOrder === erasedOrder) return before
    const sweep = { erasedOrder, noticed: this.environment.steps, windowsDeleted: undefined, done: false }
    this.sweeps.set(user, sweep)
    return sweep
  }

  /** Whether all invocations have ended that began until this step. */
  private haveEnded(step: number): boolean {
    return this.environment.invocations.live.every(({ began }) => began > step)
  }

  private deleteWindows(user: UserItem): void {
    const { code, table } = this.environment
    const windows = this.environment
      .items()
      .filter(code.items.isPartItem)
      .filter(window => window.user === user.user)
    for (const window of code.sweep.windowsToSweep(user, windows)) {
      const { pk, sk } = code.grains.userWindowGrain.parts.itemKey(window)
      this.environment.addTrace(`the sweep deletes ${pk} ${sk}`)
      table.remove(keyOf({ pk: { S: pk }, sk: { S: sk } }), false)
    }
  }

  /**
   * A window that expired after the erasure and before the sweep has left its document, and no item that the sweep could delete. The
   * product finds these documents by query. Here only they are deleted: all others must be gone already.
   */
  private deleteDocuments({ user, erasedOrder }: UserItem): void {
    const { code, index } = this.environment
    const windows = (this.expiredUnswept.get(user) ?? []).filter(({ version }) => version <= erasedOrder)
    for (const { projection, start } of windows)
      this.environment.addTrace(`the sweep deletes document ${projection} ${start} of ${user}`)
    void code.erasure.deleteErased(
      index.client(async run => run()),
      { users: [], windows },
    )
  }

  /**
   * Keys of items past their ttl, except erased users who are not swept, or of whom deltas wait for a deployment: one that
   * takes more than a day is not promised to find that their user was erased.
   */
  expired(): string[] {
    const { now, table } = this.environment
    const waiting = [...table.items.values()].filter(({ pk }) => pk?.S?.startsWith('retired#'))
    const users = [...this.unswept().map(({ user }) => user), ...waiting.map(({ sk }) => sk?.S?.split('#')[1])]
    const kept = new Set(users.map(user => keyOf({ pk: { S: `user#${user}` }, sk: { S: 'state' } })))
    const isOver = (ttl: string | undefined): boolean => ttl !== undefined && Number(ttl) * 1000 < now
    return [...table.items].filter(([key, { ttl }]) => !kept.has(key) && isOver(ttl?.N)).map(([key]) => key)
  }

  /** Keys of pages past their ttl. DynamoDB may delete them at any time. */
  expiredPages(): string[] {
    const { now, pages } = this.environment
    return [...pages.items].filter(([, { ttl }]) => Number(ttl?.N) * 1000 < now).map(([key]) => key)
  }

  expirePage(key: string): void {
    this.environment.addTrace(`page ${key} expires`)
    this.environment.pages.remove(key, true)
  }

  expire(key: string): void {
    const { code, expired, table } = this.environment
    const attributes = table.items.get(key) ?? {}
    expired.set(key, attributes)
    const item = code.items.readItem(attributes)
    if (code.items.isPartItem(item)) this.noteUnswept(item)
    this.environment.addTrace(`${key} expires`)
    this.environment.meetings.touch([userOf(key.split('|')[0]) ?? ''], 'expiry')
    table.remove(key, true)
  }

  private noteUnswept(window: PartItem): void {
    const { user } = window
    if (user === undefined || !this.unswept().some(item => item.user === user)) return
    this.expiredUnswept.set(user, [...(this.expiredUnswept.get(user) ?? []), window])
  }
}
