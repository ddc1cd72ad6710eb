import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../localstack/cache.ts'
import { countedActions, newUser, runProgram, troubles, under } from './clients/sdk-run.ts'

const MINUTES = 60_000
const EVENTS = 20
const FOLDER = path.resolve(import.meta.dirname, 'clients/sdk/go')

/** Builds the program with the Go that is installed. */
async function build(): Promise<string> {
  const binary = path.join(cacheFolder(), 'analytics-go-client')
  await promisify(execFile)('go', ['build', '-o', binary, '.'], { cwd: FOLDER }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? new Error('This test needs Go: install it (Debian and Ubuntu: apt-get install golang; macOS: brew install go).')
      : error
  })
  return binary
}

test(
  'segmentio/analytics-go: every event is counted once, whatever the API does to it',
  async () => {
    const program = { command: await build(), args: [] }
    const sent = troubles.map(([trouble, faults]) => ({ trouble, faults, user: newUser() }))
    // Closing the client ends its retries: under trouble it gets time for them.
    const environment = { MILLRACE_SECONDS: '15' }
    for (const { faults, user } of sent) await under(faults, () => runProgram({ ...program, environment }, user, EVENTS))
    const counts = await countedActions(sent.map(({ user }) => user))
    expect(sent.map(({ trouble }, i) => [trouble, counts[i]])).toEqual(troubles.map(([trouble]) => [trouble, EVENTS]))
  },
  10 * MINUTES,
)
