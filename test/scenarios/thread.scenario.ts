import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { endFaults, makeFaults } from '../clients/sdk-run.ts'
import { ENTRY, millrace } from '../fixtures/command.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, send, simulatedFile, untilSettled, writeLines } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const folder = temporaryFolder('thread')

test(
  'a send that is killed halfway, resumed, and then run again from the start: every event is in every store once',
  async () => {
    const run = newRun(Date.now())
    const readings = await simulatedFile('readings', 10_000, run)
    const file = await writeLines(folder, readings)
    await killHalfway(['send', file, '--type', 'reading', '--rate', '2000'])

    const resumed = await millrace(['send', file, '--type', 'reading', '--json'])
    expect(resumed.stderr).toMatch(/resuming after element \d+/)
    const totals = JSON.parse(resumed.stdout)
    expect(totals.lines).toBe(readings.lines.length)
    expect(totals.accepted + totals.quarantined).toBe(totals.lines)
    expect(await send(file, 'reading')).toEqual(totals)
    await untilSettled(SETTLE_SECONDS)
    expect(await differencesFrom([readings], run)).toEqual([])
  },
  10 * MINUTES,
)

/** Runs a command that prints its progress and kills it once it has passed a third. */
async function killHalfway(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exit = once(child, 'exit')
  for await (const line of createInterface(child.stderr)) if (Number(/(\d+) %/.exec(line)?.[1]) > 33) child.kill('SIGKILL')
  expect((await exit)[1]).toBe('SIGKILL')
}

test(
  'the API answers 503 and cuts connections after it has stored the events: every visit is in every store once',
  async () => {
    const run = newRun(Date.now())
    const visits = await simulatedFile('visits', 5_000, run)
    const file = await writeLines(folder, visits)

    await makeFaults({ cut: { probability: 0.3, when: 'after', seed: run.seed }, status: { code: 503, times: 2 } })
    try {
      const { stdout, stderr } = await millrace(['send', file, '--type', 'page_visit', '--rate', '2000', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ lines: visits.lines.length })
      expect(stderr).toMatch(/waiting: 503/)
      expect(stderr).toMatch(/waiting: (UND_ERR|ECONN)/)
    } finally {
      await endFaults()
    }
    await untilSettled(SETTLE_SECONDS)
    expect(await differencesFrom([visits], run)).toEqual([])
  },
  10 * MINUTES,
)
