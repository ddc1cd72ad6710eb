import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { readPorts } from '../../localstack/ports.ts'
import { ENTRY, millrace } from '../command.ts'
import { differencesFrom, newRun, quarantined, send, settled, simulatedFile, store } from './thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-thread-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'a file whose sending was killed half-way and begun again, and then sent once more: every event stands once in every store',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const readings = await simulatedFile('readings', 10_000, run)
    const file = await store(folder, readings)
    await killHalfWay(['send', file, '--type', 'reading', '--rate', '2000'])

    const again = await millrace(['send', file, '--type', 'reading', '--json'])
    expect(again.stderr).toMatch(/resuming after element \d+/)
    const totals = JSON.parse(again.stdout)
    expect(totals.lines).toBe(readings.lines.length)
    expect(totals.accepted + totals.quarantined).toBe(totals.lines)
    expect(await send(file, 'reading')).toEqual(totals)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom([readings], run, before)).toEqual([])
  },
  10 * MINUTES,
)

/** Runs a command that shows its progress, and kills it when it has come past a third. */
async function killHalfWay(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  for await (const line of createInterface(child.stderr)) if (Number(/(\d+) %/.exec(line)?.[1]) > 33) child.kill('SIGKILL')
  expect((await ended)[1]).toBe('SIGKILL')
}

test(
  'visits stand once in every store though the API refuses requests, and breaks connections after it has taken them',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const visits = await simulatedFile('visits', 5_000, run)
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
