import { ProvisionedThroughputExceededException } from '@aws-sdk/client-dynamodb'
import type { StreamRecord } from '../../lambdas/ingest/plan-records.ts'
import type { DocumentClient } from '../../lambdas/search/opensearch.ts'
import type { DynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'
import type { PagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import type { Choices } from './choices.ts'
import type { Fault, Meetings } from './meetings.ts'
import type { ImmediateReader, QuarantineReader, SimQuarantine } from './quarantine.ts'
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
  /** A call of an ended invocation that is carried out late. */
  readonly isLate: boolean
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
  readonly pages: PagesTable
  readonly search: DocumentClient
  readonly quarantine: Quarantine
  readonly reader: QuarantineReader
  /** Puts records one after another. A record whose response is lost is put again, as ingest does. */
  readonly putRecords: (records: readonly StreamRecord[], put: (record: StreamRecord) => void) => Promise<void>
  readonly call: <T>(operation: string, run: (fate: Fate) => T) => Promise<T>
  readonly users: readonly string[]
  /** The process hangs or exits: nothing that the invocation does after this has an effect. */
  readonly hang: () => void
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

interface Surroundings {
  readonly choices: Choices
  readonly table: Table
  /** The table of pages as the environment of one invocation sees it. */
  readonly pagesOf: (call: CallOperation) => PagesTable
  readonly index: SearchIndex
  readonly quarantine: SimQuarantine
  readonly meetings: Meetings
  readonly steps: number
}

/** All running functions and the faults that can happen to them. */
export class Invocations {
  live: Invocation[] = []
  private readonly environment: Surroundings
  private readonly addTrace: (text: string) => void

  constructor(environment: Surroundings, addTrace: (text: string) => void) {
    this.environment = environment
    this.addTrace = addTrace
  }

  begin(
    what: string,
    start: (clients: Clients) => Promise<unknown>,
    owner: Owner,
    about: Pick<Invocation, 'users' | 'isOld'>,
  ): Invocation {
    const invocation: Invocation = { began: this.environment.steps, calls: [], isLate: false, owner, ...about }
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
    const { choices, meetings } = this.environment
    if (choices.chance(faults.crash)) {
      this.end(invocation, 'crash')
    } else if (invocation.owner && choices.chance(faults.zombie)) {
      this.addTrace('an invocation times out and continues')
      meetings.touch(invocation.users, 'zombie')
      this.giveUp(invocation)
    } else {
      invocation.calls.splice(choices.below(invocation.calls.length), 1)[0]?.(this.drawFate(faults))
    }
  }

  /** Ends an invocation without a result. */
  private end(invocation: Invocation, fault: 'crash' | 'hang'): void {
    this.leave(invocation, `an invocation ends: ${fault}`)
    this.environment.meetings.touch(invocation.users, fault)
    this.giveUp(invocation)
  }

  private drawFate({ throttled, responseLost, timedOut, partial }: Faults): Fate {
    const { choices } = this.environment
    if (choices.chance(throttled)) return 'throttled'
    if (choices.chance(responseLost)) return 'response lost'
    if (choices.chance(timedOut)) return 'timed out'
    return choices.chance(partial) ? 'partial' : 'done'
  }

  /** A call that the caller no longer waits for. */
  private carryOutLater(what: string, run: (fate: Fate) => unknown): void {
    const { steps } = this.environment
    const orphan: Invocation = { began: steps, calls: [], users: [], isOld: () => false, isLate: true, owner: undefined }
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
    const { meetings, quarantine } = this.environment
    if (event.code === 'not_merged') meetings.touch(...faultOfDelta(event.body))
    if (event.code === 'document_refused') meetings.touch([event.id?.split('#')[0] ?? ''], 'refused document')
    quarantine.add(event)
  }

  private noteFate({ users, isOld }: Invocation, fate: Fate): void {
    const fault = faultOf[fate]
    const { meetings } = this.environment
    if (fault) meetings.touch(users, fault)
    if (isOld()) meetings.touch(users, 'old code')
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
            if (fate === 'done' && isThrottle(error)) this.environment.meetings.touch(invocation.users, 'hot partition')
            this.addTrace(`${what}: ${operation} -> ${error instanceof Error ? error.name : error}`)
            reject(error)
          }
        })
      })
    const callTable: CallOperation = (operation, item, run) => call(describe(operation, item), run)
    const callStore = <T>(store: string, run: () => T) => call(store, fate => applyFate(fate, run))
    const add = async (events: readonly QuarantinedEvent[]) => {
      await Promise.all(events.map(event => callStore('quarantine', () => this.quarantineEvent(event))))
    }
    const putRecords: Clients['putRecords'] = async (records, put) => {
      for (const record of records)
        await call('PutRecords', fate => {
          if (fate === 'response lost') put(record)
          applyFate(fate === 'throttled' ? fate : 'done', () => put(record))
        })
    }
    return {
      dynamodb: this.environment.table.operations(callTable),
      pages: this.environment.pagesOf(callTable),
      search: this.environment.index.client(run => callStore('search', run)),
      quarantine: { add },
      reader: readerOf(this.environment.quarantine.reader, callStore),
      putRecords,
      call: (operation, run) => call(operation, fate => applyFate(fate, () => run(fate))),
      users: invocation.users,
      hang: () => this.end(invocation, 'hang'),
    }
  }
}

function readerOf(reader: ImmediateReader, call: <T>(operation: string, run: () => T) => Promise<T>): QuarantineReader {
  const names = Object.keys(reader) as (keyof ImmediateReader)[]
  const methods = names.map(name => {
    const method = reader[name] as (...parameters: unknown[]) => unknown
    return [name, (...parameters: unknown[]) => call(`quarantine ${name}`, () => method(...parameters))] as const
  })
  return Object.fromEntries(methods) as unknown as QuarantineReader
}

/** Whose delta was rejected, and by which kind of item. */
function faultOfDelta(body: string): [users: string[], fault: Fault] {
  const { user, projection } = JSON.parse(body) as { readonly user: string; readonly projection: string }
  if (projection === 'fresh-r1') return [[user], 'delta given up']
  return [[user], projection === 'sums-r1' ? 'rejected delta' : 'rejected delta of a slot']
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
