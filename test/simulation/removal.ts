import type { UserItem } from '../../shared/state.ts'
import type { Consumers } from './consumers.ts'
import type { Environment } from './environment.ts'
import { keyOf, userOf } from './table.ts'

/** Removes items: the windows of erased users, and expired items. */
export class Removal {
  private readonly environment: Environment
  private readonly consumers: Consumers
  private readonly swept = new Map<string, { erasedOrder: number; noticed: number; done: boolean }>()

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
    const swept = this.swept.get(user)
    return swept?.erasedOrder === erasedOrder && swept.done
  }

  /** Whether there are windows to sweep and the windows function has processed the erasure's image. */
  mustSweep(): boolean {
    return this.consumers.windowsPassed() && this.unswept().length > 0
  }

  sweep(): void {
    const { invocations, steps } = this.environment
    for (const user of this.unswept()) {
      const before = this.swept.get(user.user)
      const noticed = before?.erasedOrder === user.erasedOrder ? before.noticed : steps
      const done = invocations.live.every(({ began }) => began > noticed)
      this.swept.set(user.user, { erasedOrder: user.erasedOrder, noticed, done })
      if (done) this.deleteWindows(user)
    }
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
   * Keys of items past their ttl, except erased users whose windows are not swept, or of whom deltas wait for a deployment: one that
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
    const { expired, table } = this.environment
    expired.set(key, table.items.get(key) ?? {})
    this.environment.addTrace(`${key} expires`)
    this.environment.meetings.touch([userOf(key.split('|')[0]) ?? ''], 'expiry')
    table.remove(key, true)
  }
}
