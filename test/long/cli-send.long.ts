import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { json, text } from 'node:stream/consumers'
import { simulatedLines } from '../../cli/simulate.ts'
import { writeRows } from '../../cli/simulators/rows-file.ts'
import { ENTRY } from '../fixtures/command.ts'
import { writeLocalOutputs } from '../fixtures/local-outputs.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const MINUTES = 60_000
const MB = 2 ** 20
/** How much more memory the large file may need: uncollected garbage, far below the file's size. */
const SLACK_MB = 100

/** Makes a Node process print its peak memory in KB. */
const PRINT_PEAK = `--import "data:text/javascript,process.on('exit',()=>console.error('peak '+process.resourceUsage().maxRSS))"`

const folder = temporaryFolder('large')

test(
  'send needs as much memory for a JSON array of 1 GB as for one of 50 MB',
  async () => {
    const peaks: number[] = []
    for (const bytes of [50 * MB, 1024 * MB]) {
      const file = path.join(folder, 'users.json')
      const rows = await writeRows(file, upTo(bytes, await simulatedLines('users', { count: 1e9, seed: 1 }, 0)))
      expect((await stat(file)).size).toBeGreaterThanOrEqual(bytes)
      const { totals, received, peakMb } = await send(file)
      expect([totals, received]).toEqual([{ lines: rows, accepted: rows, quarantined: 0 }, rows])
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

/** An API that accepts every line of every request and counts them. */
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

/** Sends a file to an API that only counts. Returns the totals of the command, the number of received lines and the command's peak memory. */
async function send(file: string): Promise<{ totals: unknown; received: number; peakMb: number }> {
  const api = await countingApi()
  await writeLocalOutputs(folder, api.url)
  const child = spawn(process.execPath, [ENTRY, 'send', file, '--type', 'user_record', '--json'], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: PRINT_PEAK },
  })
  const [totals, stderr] = await Promise.all([json(child.stdout), text(child.stderr)])
  await api.close()
  return { totals, received: api.rows(), peakMb: Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024 }
}
