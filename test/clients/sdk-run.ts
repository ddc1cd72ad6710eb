import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findTarget, type Target } from '../../cli/target.ts'
import type { Faults } from '../../localstack/cloud/faults.ts'
import { readPorts } from '../../localstack/ports.ts'
import { millraceJson } from '../command.ts'

/** A program that sends with an SDK, as its users write one. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** What the API does to a client before it lets it through. */
export const troubles: readonly (readonly [string, Faults])[] = [
  ['nothing', {}],
  ['503 twice', { status: { code: 503, times: 2 } }],
  ['429 twice', { status: { code: 429, times: 2 } }],
  ['a connection cut after the events were taken', { cut: { when: 'after', probability: 0.5, seed: 1 } }],
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

/** Lets the proxy make these faults while `work` is done. */
export async function under(faults: Faults, work: () => Promise<void>): Promise<void> {
  const url = `http://127.0.0.1:${readPorts().faults}/`
  const answer = await fetch(url, { method: 'PUT', body: JSON.stringify(faults) })
  if (!answer.ok) throw new Error(`The proxy takes no faults: ${await answer.text()}`)
  try {
    await work()
  } finally {
    await fetch(url, { method: 'DELETE' })
  }
}

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
