import { ProvisionedThroughputExceededException } from '@aws-sdk/client-dynamodb'
import type { DocumentClient } from '../../lambdas/search/opensearch.ts'
import type { DynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'
import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import type { Choices } from './choices.ts'
import type { Fault, Meetings } from './meetings.ts'
import type { SearchIndex } from './search-index.ts'
import type { CallOperation, Fate, Table } from './table.ts'

/** One running function. The calls it waits for are carried out one by one, in an order that the choices decide. */
export interface Invocation {
  readonly began: number
  readonly calls: ((fate: Fate) => void)[]
  /** The users in its batch. */
  readonly users: readonly string[]
  /** Whether a function was updated since it began. */
  readonly isOld: () => boolean
  /** Is notified of the end; undefined after the event source mapping gave up the invocation. */
  owner: Owner | undefined
}

export interface Owner {
  ended(result: unknown): void
  failed(): void
}

/** The stores that an invocation calls. */
export interface Clients {
  readonly dynamodb: DynamoDbOperations
  readonly search: DocumentClient
  readonly quarantine: Quarantine
}

/** The probability of each fault, per step. */
export interface Faults {
  readonly throttled: number
  readonly responseLost: number
  readonly crash: number
  readonly zombie: number
  readonly timedOut: number
  readonly partial: number
}

/** All running functions and the faults that can happen to them. */
export class Invocations {
  live: Invocation[] = []
  /** What the quarantine contains, by `id code`. */
  readonly quarantined = new Map<string, QuarantinedEvent>()
  /** The quarantined deltas of windows, as JSON. */
  readonly unmerged = new Set<string>()
  /** What was ever added to the quarantine, as `id code`. */
  readonly everQuarantined = new Set<string>()
  private readonly choices: Choices
  private readonly table: Table
  private readonly index: SearchIndex
  private readonly addTrace: (text: string) => void
  private readonly steps: () => number
  private readonly meetings: Meetings

  constructor(
    choices: Choices,
    table: Table,
    index: SearchIndex,
    addTrace: (text: string) => void,
    steps: () => number,
    meetings: Meetings,
  ) {
    this.meetings = meetings
    this.steps = steps
    this.choices = choices
    this.table = table
    this.index = index
    this.addTrace = addTrace
  }

  begin(
    what: string,
    start: (clients: Clients) => Promise<unknown>,
    owner: Owner,
    about: Pick<Invocation, 'users' | 'isOld'>,
  ): Invocation {
    const invocation: Invocation = { began: this.steps(), calls: [], owner, ...about }
    this.live.push(invocation)
    this.addTrace(`${what} begins`)
    start(this.clients(invocation, what)).then(
      result => {
        this.leave(invocation, `${what} returns ${JSON.stringify(result) ?? ''}`)
        invocation.owner?.ended(result)
      },
      (error: Error) => {
        this.leave(invocation, `${what} fails: ${error.message}`)
        invocation.owner?.failed()
      },
    )
    return invocation
  }

  private leave(invocation: Invocation, text: string): void {
    this.live = this.live.filter(other => other !== invocation)
    this.addTrace(text)
  }

  /** Carries out one call, or crashes the invocation, or lets its mapping give it up so that it continues as a zombie. */
  proceed(invocation: Invocation, faults: Faults): void {
    const { choices } = this
    if (choices.chance(faults.crash)) {
      this.leave(invocation, 'an invocation crashes')
      this.meetings.touch(invocation.users, 'crash')
      this.giveUp(invocation)
    } else if (invocation.owner && choices.chance(faults.zombie)) {
      this.addTrace('an invocation times out and continues')
      this.meetings.touch(invocation.users, 'zombie')
      this.giveUp(invocation)
    } else {
      invocation.calls.splice(choices.below(invocation.calls.length), 1)[0]?.(this.drawFate(faults))
    }
  }

  private drawFate({ throttled, responseLost, timedOut, partial }: Faults): Fate {
    const { choices } = this
    if (choices.chance(throttled)) return 'throttled'
    if (choices.chance(responseLost)) return 'response lost'
    if (choices.chance(timedOut)) return 'timed out'
    return choices.chance(partial) ? 'partial' : 'done'
  }

  /** A call that the caller no longer waits for. */
  private carryOutLater(what: string, run: (fate: Fate) => unknown): void {
    const orphan: Invocation = { began: this.steps(), calls: [], users: [], isOld: () => false, owner: undefined }
    orphan.calls.push(() => {
      this.leave(orphan, `${what} is carried out late`)
      try {
        run('done')
      } catch {
        this.addTrace('the late call fails')
      }
    })
    this.live.push(orphan)
  }

  private quarantineEvent(event: QuarantinedEvent): void {
    if (event.code === 'not_merged') {
      this.unmerged.add(event.body)
      this.meetings.touch([JSON.parse(event.body).user], 'rejected delta')
      return
    }
    const key = `${event.id} ${event.code}`
    this.quarantined.set(key, event)
    this.everQuarantined.add(key)
  }

  private noteFate({ users, isOld }: Invocation, fate: Fate): void {
    const fault = faultOf[fate]
    if (fault) this.meetings.touch(users, fault)
    if (isOld()) this.meetings.touch(users, 'old code')
  }

  private giveUp(invocation: Invocation): void {
    const { owner } = invocation
    invocation.owner = undefined
    owner?.failed()
  }

  private clients(invocation: Invocation, what: string): Clients {
    const call = <T>(operation: string, run: (fate: Fate) => T): Promise<T> =>
      new Promise((resolve, reject) => {
        invocation.calls.push(fate => {
          this.noteFate(invocation, fate)
          try {
            if (fate === 'timed out') {
              this.carryOutLater(`${what}: ${operation}`, run)
              throw new Error('The call timed out.')
            }
            const value = run(fate)
            this.addTrace(`${what}: ${operation}`)
            resolve(value)
          } catch (error) {
            if (fate === 'done' && isThrottle(error)) this.meetings.touch(invocation.users, 'hot partition')
            this.addTrace(`${what}: ${operation} -> ${error instanceof Error ? error.name : error}`)
            reject(error)
          }
        })
      })
    const callTable: CallOperation = (operation, item, run) => call(describe(operation, item), run)
    const callStore = <T>(store: string, run: () => T) => call(store, fate => applyFate(fate, run))
    const add = async (events: readonly QuarantinedEvent[]) => {
      const store = () => {
        for (const event of events) this.quarantineEvent(event)
      }
      if (events.length > 0) await callStore('quarantine', store)
    }
    return {
      dynamodb: this.table.operations(callTable),
      search: this.index.client(run => callStore('search', run)),
      quarantine: { add },
    }
  }
}

const faultOf: Readonly<Record<Fate, Fault | undefined>> = {
  done: undefined,
  throttled: 'throttled call',
  'response lost': 'response lost',
  'timed out': 'call carried out late',
  partial: 'partial read',
}

const isThrottle = (error: unknown): boolean => error instanceof ProvisionedThroughputExceededException

function applyFate<T>(fate: Fate, run: () => T): T {
  if (fate === 'throttled') throw new Error('The store is busy.')
  const value = run()
  if (fate === 'response lost') throw new Error('socket hang up')
  return value
}

function describe(operation: string, item: Parameters<CallOperation>[1]): string {
  const version = item?.['version']?.N
  return [operation, item?.['pk']?.S, item?.['sk']?.S, version && `v${version}`].filter(Boolean).join(' ')
}
