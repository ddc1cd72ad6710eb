import type { Client } from '@opensearch-project/opensearch'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'

import type { Choices } from './choices.ts'
import type { SearchIndex } from './search-index.ts'
import type { Fate, Table } from './table.ts'

/** One running function: the calls it waits for are carried out one by one, in an order that the choices decide. */
export interface Invocation {
  readonly began: number
  readonly calls: ((fate: Fate) => void)[]
  /** Hears how it ended; undefined once its mapping gave it up. */
  owner: Owner | undefined
}

export interface Owner {
  ended(result: unknown): void
  failed(): void
}

/** What an invocation reaches. */
export interface Clients {
  readonly dynamo: never
  readonly search: Client
  readonly quarantine: { add(events: readonly QuarantinedEvent[]): Promise<void> }
}

export interface Faults {
  readonly throttled: number
  readonly answerLost: number
  readonly crash: number
  readonly zombie: number
}

/** Every function that runs, and everything that can befall it. */
export class Invocations {
  live: Invocation[] = []
  readonly quarantined = new Map<string, QuarantinedEvent>()
  private readonly choices: Choices
  private readonly table: Table
  private readonly index: SearchIndex
  private readonly say: (text: string) => void

  constructor(choices: Choices, table: Table, index: SearchIndex, say: (text: string) => void) {
    this.choices = choices
    this.table = table
    this.index = index
    this.say = say
  }

  begin(what: string, step: number, start: (clients: Clients) => Promise<unknown>, owner: Owner): Invocation {
    const invocation: Invocation = { began: step, calls: [], owner }
    this.live.push(invocation)
    this.say(`${what}: begins`)
    start(this.clients(invocation, what)).then(
      result => {
        this.leave(invocation, `${what}: ends ${JSON.stringify(result) ?? ''}`)
        invocation.owner?.ended(result)
      },
      (error: Error) => {
        this.leave(invocation, `${what}: fails, ${error.message}`)
        invocation.owner?.failed()
      },
    )
    return invocation
  }

  private leave(invocation: Invocation, text: string): void {
    this.live = this.live.filter(other => other !== invocation)
    this.say(text)
  }

  /** One call is carried out, or the invocation crashes, or its mapping gives it up and it lives on as a zombie. */
  proceed(invocation: Invocation, faults: Faults): void {
    const { choices } = this
    if (choices.chance(faults.crash)) {
      this.leave(invocation, 'an invocation crashes')
      this.giveUp(invocation)
    } else if (invocation.owner && choices.chance(faults.zombie)) {
      this.say('an invocation times out and lives on')
      this.giveUp(invocation)
    } else {
      const fate = choices.chance(faults.throttled) ? 'throttled' : choices.chance(faults.answerLost) ? 'answer lost' : 'done'
      invocation.calls.splice(choices.below(invocation.calls.length), 1)[0]?.(fate)
    }
  }

  private giveUp(invocation: Invocation): void {
    const { owner } = invocation
    invocation.owner = undefined
    owner?.failed()
  }

  private clients(invocation: Invocation, what: string): Clients {
    const call = <T>(about: string, run: (fate: Fate) => T): Promise<T> =>
      new Promise((resolve, reject) => {
        invocation.calls.push(fate => {
          try {
            const value = run(fate)
            this.say(`${what}: ${about}`)
            resolve(value)
          } catch (error) {
            this.say(`${what}: ${about} -> ${(error as Error).name}`)
            reject(error)
          }
        })
      })
    const callStore = <T>(store: string, run: () => T) => call(store, fate => befall(fate, run))
    const add = async (events: readonly QuarantinedEvent[]) => {
      const store = () => events.forEach(event => void this.quarantined.set(`${event.id} ${event.code}`, event))
      if (events.length > 0) await callStore('quarantine', store)
    }
    return {
      dynamo: { send: (command: never) => call(describe(command), fate => this.table.execute(command, fate)) } as never,
      search: this.index.client(run => callStore('search', run)) as unknown as Client,
      quarantine: { add },
    }
  }
}

function befall<T>(fate: Fate, run: () => T): T {
  if (fate === 'throttled') throw new Error('The store is busy.')
  const value = run()
  if (fate === 'answer lost') throw new Error('socket hang up')
  return value
}

interface Keyed {
  readonly constructor: { readonly name: string }
  readonly input: { readonly Key?: Key; readonly Item?: Key }
}
type Key = Record<string, { S?: string; N?: string }>

function describe(command: Keyed): string {
  const key = command.input.Key ?? command.input.Item
  const version = key?.['version']?.N
  return [command.constructor.name.replace('Command', ''), key?.['pk']?.S, key?.['sk']?.S, version && `v${version}`]
    .filter(Boolean)
    .join(' ')
}
