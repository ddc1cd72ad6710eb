import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findTarget, readLocalOutputs, type Target } from '../../cli/target.ts'
import type { Faults } from '../../localstack/cloud/faults.ts'
import { readPorts } from '../../localstack/ports.ts'
import { millraceJson } from '../fixtures/command.ts'
import { untilSettled } from '../fixtures/thread.ts'

/** A program that sends events with an SDK, written as a user of the SDK would write it. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** The scope of the key that docs/clients.md recommends for it. */
  readonly scope: 'client' | 'write'
}

/** With this seed the proxy cuts the first connection, and never more than two of the first ten in a row. */
const CUTS_THE_FIRST = 387_276_917

/** The faults that a client meets before its requests succeed. */
const faultCases: readonly (readonly [string, Faults])[] = [
  ['no fault', {}],
  ['503 twice', { status: { code: 503, times: 2 } }],
  ['429 twice', { status: { code: 429, times: 2 } }],
  ['a connection cut after the events were accepted', { cut: { when: 'after', probability: 0.5, seed: CUTS_THE_FIRST } }],
]

const TIMEOUT_MS = 90_000

/** Creates a key as docs/clients.md does: for one page or app, or for a server that sends events of a CloudEvents source. */
export async function keyFor(scope: Program['scope'], ...options: string[]): Promise<string> {
  const rights = scope === 'client' ? ['--types', 'app_action'] : ['--source', '/shop']
  const { key } = await millraceJson<{ key: string }>('keys', 'create', `sdk-${scope}`, '--scope', scope, ...rights, ...options)
  return key
}

let created = 0

/** A user id for one run only, because other tests use the same stores. */
export const newUser = (): number => (Date.now() % 1_000_000_000) * 100 + created++

/** Runs a program against the local API. Throws its output if it fails. */
export async function runProgram(program: Program, user: number, events: number): Promise<void> {
  const target = await findTarget(undefined)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    MILLRACE_URL: target.apiUrl,
    MILLRACE_KEY: await keyFor(program.scope),
    MILLRACE_USER: String(user),
    MILLRACE_EVENTS: String(events),
    ...program.environment,
  }
  await promisify(execFile)(program.command, [...program.args], { env, timeout: TIMEOUT_MS })
}

const callFaults = async (init: RequestInit): Promise<Response> => {
  const { accessKeyId } = await readLocalOutputs()
  return fetch(`http://127.0.0.1:${readPorts().faults}/`, { ...init, headers: { authorization: `Bearer ${accessKeyId}` } })
}

/** Makes the proxy inject these faults from now on. */
export async function makeFaults(faults: Faults): Promise<void> {
  const response = await callFaults({ method: 'PUT', body: JSON.stringify(faults) })
  if (!response.ok) throw new Error(`The proxy did not accept the faults: ${await response.text()}`)
}

export const endFaults = (): Promise<Response> => callFaults({ method: 'DELETE' })

/** Runs the program once under each fault, each time with a new user. Returns the number of counted actions per fault. */
export async function countUnderFaults(program: Program, events: number): Promise<[fault: string, count: number][]> {
  return countEach(async (user, faults) => {
    await makeFaults(faults)
    await runProgram(program, user, events)
  })
}

/** Sends under each fault, each time with a new user. Returns the number of counted actions per fault, once every store has them. */
export async function countEach(
  send: (user: number, faults: Faults) => Promise<void>,
): Promise<[fault: string, count: number][]> {
  const users: number[] = []
  for (const [, faults] of faultCases) {
    const user = newUser()
    users.push(user)
    try {
      await send(user, faults)
    } finally {
      await endFaults()
    }
  }
  const counts = await countedActions(users)
  return faultCases.map(([fault], i) => [fault, counts[i] ?? 0])
}

/** The result of `countEach` if every event was counted once. */
export const eachOnce = (events: number): [fault: string, count: number][] => faultCases.map(([fault]) => [fault, events])

/** The number of counted actions of each user, once every store has all accepted events. */
export async function countedActions(users: readonly number[]): Promise<number[]> {
  const target = await findTarget(undefined)
  await untilSettled(240)
  return Promise.all(users.map(user => countOf(user, target)))
}

async function countOf(user: number, target: Target): Promise<number> {
  const response = await fetch(`${target.apiUrl}/v1/users/${user}`, {
    headers: { authorization: `Bearer ${target.key('read')}` },
  })
  const { states = {} } = (await response.json()) as { states?: Record<string, { events?: number }> }
  return states['user-activity']?.events ?? 0
}
