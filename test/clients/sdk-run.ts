import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findTarget, type Target } from '../../cli/target.ts'
import type { Faults } from '../../localstack/cloud/faults.ts'
import { readPorts } from '../../localstack/ports.ts'
import { millraceJson } from '../fixtures/command.ts'

/** A program that sends with an SDK, as its users write one. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** With this seed the first connection is cut, and never more than two in a row of the first ten. */
const CUTS_THE_FIRST = 387_276_917

/** What the API does to a client before it lets it through. */
const troubles: readonly (readonly [string, Faults])[] = [
  ['nothing', {}],
  ['503 twice', { status: { code: 503, times: 2 } }],
  ['429 twice', { status: { code: 429, times: 2 } }],
  ['a connection cut after the events were taken', { cut: { when: 'after', probability: 0.5, seed: CUTS_THE_FIRST } }],
]

const PATIENCE_MS = 90_000
let made = 0

/** A user of this run only: other tests' events stand in the same stores. */
export const newUser = (): number => (Date.now() % 1_000_000_000) * 100 + made++

/** Runs a program against the local API; throws what it says when it fails. */
export async function runProgram(program: Program, user: number, events: number): Promise<void> {
  const target = await findTarget(undefined)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    MILLRACE_URL: target.apiUrl,
    MILLRACE_KEY: target.key('write'),
    MILLRACE_USER: String(user),
    MILLRACE_EVENTS: String(events),
    ...program.environment,
  }
  await promisify(execFile)(program.command, [...program.args], { env, timeout: PATIENCE_MS })
}

const faultsUrl = (): string => `http://127.0.0.1:${readPorts().faults}/`

/** Lets the proxy make these faults from now on. */
export async function makeFaults(faults: Faults): Promise<void> {
  const answer = await fetch(faultsUrl(), { method: 'PUT', body: JSON.stringify(faults) })
  if (!answer.ok) throw new Error(`The proxy takes no faults: ${await answer.text()}`)
}

export const endFaults = (): Promise<Response> => fetch(faultsUrl(), { method: 'DELETE' })

/** Runs the program once under each trouble, as a user of its own; returns what is counted of each. */
export async function countUnderTroubles(program: Program, events: number): Promise<[trouble: string, count: number][]> {
  return countEach(async (user, faults) => {
    await makeFaults(faults)
    await runProgram(program, user, events)
  })
}

/** Sends as a user of its own under each trouble; returns what is counted of each, once it is in every store. */
export async function countEach(
  send: (user: number, faults: Faults) => Promise<void>,
): Promise<[trouble: string, count: number][]> {
  const users: number[] = []
  for (const [, faults] of troubles) {
    const user = newUser()
    users.push(user)
    try {
      await send(user, faults)
    } finally {
      await endFaults()
    }
  }
  const counts = await countedActions(users)
  return troubles.map(([trouble], i) => [trouble, counts[i] ?? 0])
}

/** What `countEach` returns when every event was counted once. */
export const eachOnce = (events: number): [trouble: string, count: number][] => troubles.map(([trouble]) => [trouble, events])

/** How many actions of each user are counted, once everything that was accepted is in every store. */
export async function countedActions(users: readonly number[]): Promise<number[]> {
  const target = await findTarget(undefined)
  await millraceJson('status', '--wait', '240')
  return Promise.all(users.map(user => countOf(user, target)))
}

async function countOf(user: number, target: Target): Promise<number> {
  const answer = await fetch(`${target.apiUrl}/v1/users/${user}`, { headers: { authorization: `Bearer ${target.key('read')}` } })
  const { states = {} } = (await answer.json()) as { states?: Record<string, { events?: number }> }
  return states['user-activity']?.events ?? 0
}
