import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../localstack/cache.ts'
import { countUnderFaults, eachOnce } from '../clients/sdk-run.ts'

const MINUTES = 60_000
const EVENTS = 20
const FOLDER = path.resolve(import.meta.dirname, '../clients/sdk/go')

/** Builds the program with the installed Go. Returns the path of the binary. */
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
  'segmentio/analytics-go: every event is counted once under every fault of the API',
  async () => {
    // Closing the client stops its retries, so it waits this long first.
    const program = { command: await build(), args: [], scope: 'client', environment: { MILLRACE_SECONDS: '20' } } as const
    expect(await countUnderFaults(program, EVENTS)).toEqual(eachOnce(EVENTS))
  },
  10 * MINUTES,
)
