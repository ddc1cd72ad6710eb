import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { json, text } from 'node:stream/consumers'
import { simulatedLines } from '../../cli/simulate.ts'
import { writeRows } from '../../cli/simulators/rows-file.ts'
import { ENTRY } from '../fixtures/command.ts'

const MINUTES = 60_000
const MB = 2 ** 20
/** How much more memory the large file may take: what the collector happens to leave lying, far below the file's size. */
const SLACK_MB = 100

/** Has the process say how much memory it used at most, in KB. */
const TELL_PEAK = `--import "data:text/javascript,process.on('exit',()=>console.error('peak '+process.resourceUsage().maxRSS))"`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-large-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'a JSON array of 1 GB is sent whole, in as much memory as one of 50 MB',
  async () => {
    const peaks: number[] = []
    for (const bytes of [50 * MB, 1024 * MB]) {
      const file = path.join(folder, 'users.json')
      const rows = await writeRows(file, upTo(bytes, await simulatedLines('users', { count: 1e9, seed: 1 }, 0)))
      expect((await stat(file)).size).toBeGreaterThanOrEqual(bytes)
      const { totals, taken, peakMb } = await send(file)
      expect([totals, taken]).toEqual([{ lines: rows, accepted: rows, quarantined: 0 }, rows])
      peaks.push(peakMb)
    }
    const [small = 0, large = 0] = peaks
    console.log(`Peak memory: ${small.toFixed(0)} MB for 50 MB, ${large.toFixed(0)} MB for 1 GB.`)
    expect(large).toBeLessThan(small + SLACK_MB)
  },
  30 * MINUTES,
)

function* upTo(bytes: number, lines: Iterable<string>): Generator<string> {
  let written = 0
  for (const line of lines) {
    yield line
    written += line.length
    if (written >= bytes) return
  }
}

/** Takes every line of every request, as the API does. */
async function countingApi() {
  let rows = 0
  const server = createServer(async (request, response) => {
    const lines = (await text(request)).split('\n').length - 1
    rows += lines
    response.end(JSON.stringify({ success: true, accepted: lines, quarantined: [] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rows: () => rows,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function pointTo(apiUrl: string): Promise<void> {
  await mkdir(path.join(folder, '.millrace'), { recursive: true })
  const outputs = { apiUrl, writeKey: 'k', readKey: 'r', adminKey: 'a', stack: {} }
  await writeFile(path.join(folder, '.millrace/outputs.json'), JSON.stringify(outputs))
}

/** Sends a file to an API that only counts; says what the command said, what arrived, and the memory that it took. */
async function send(file: string): Promise<{ totals: unknown; taken: number; peakMb: number }> {
  const api = await countingApi()
  await pointTo(api.url)
  const child = spawn(process.execPath, [ENTRY, 'send', file, '--type', 'user_record', '--json'], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: TELL_PEAK },
  })
  const [totals, said] = await Promise.all([json(child.stdout), text(child.stderr)])
  await api.close()
  return { totals, taken: api.rows(), peakMb: Number(/peak (\d+)/.exec(said)?.[1]) / 1024 }
}
