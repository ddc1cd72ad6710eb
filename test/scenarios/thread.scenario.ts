import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readPorts } from '../../localstack/ports.ts'
import { millrace } from '../command.ts'
import { differencesFrom, newRun, quarantined, readingsFile, send, settled, store, visitsFile } from './thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-thread-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  '20,000 lines of readings with re-deliveries, disorder and bad lines: every store holds what the specification says, once',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const readings = await readingsFile(run, 20_000)
    const file = await store(folder, readings)

    const totals = await send(file, 'reading')
    expect(totals.accepted + totals.quarantined).toBe(totals.lines)
    expect(totals.lines).toBe(readings.lines.length)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom([readings], run, before)).toEqual([])

    expect(await send(file, 'reading')).toEqual(totals)
    await settled(SETTLE_SECONDS)
    expect(await differencesFrom([readings], run, before)).toEqual([])
  },
  10 * MINUTES,
)

test(
  'visits stand once in every store though the API refuses requests, and breaks connections after it has taken them',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const visits = await visitsFile(run, 5_000)
    const file = await store(folder, visits)

    await makeFaults(run.seed)
    try {
      const sent = await millrace(['send', file, '--type', 'page_visit', '--rate', '2000', '--json'])
      expect(JSON.parse(sent.stdout)).toMatchObject({ lines: visits.lines.length })
      expect(sent.stderr).toMatch(/waiting: 503/)
      expect(sent.stderr).toMatch(/waiting: (UND_ERR|ECONN)/)
    } finally {
      await endFaults()
    }
    await settled(SETTLE_SECONDS)
    expect(await differencesFrom([visits], run, before)).toEqual([])
  },
  10 * MINUTES,
)

const faults = (init: RequestInit) => fetch(`http://127.0.0.1:${readPorts().faults}/`, init)
const endFaults = () => faults({ method: 'DELETE' })

async function makeFaults(seed: number): Promise<void> {
  const body = JSON.stringify({ cut: { probability: 0.3, when: 'after', seed }, status: { code: 503, times: 2 } })
  const answer = await faults({ method: 'PUT', body })
  if (!answer.ok) throw new Error(`The proxy takes no faults: ${await answer.text()}`)
}
