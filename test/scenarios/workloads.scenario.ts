import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, simulatedFile, untilSettled, writeAndSend } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 480
const LINES = 20_000
const folder = temporaryFolder('workloads')

test(
  '20,000 lines of each workload at once, out of order, with duplicates and bad lines: every store holds what the specification says, once',
  async () => {
    const run = newRun(Date.now())
    const names = ['visits', 'actions', 'users', 'interactions', 'readings'] as const
    const files = await Promise.all(names.map(name => simulatedFile(name, LINES, run)))
    const totals = await Promise.all(files.map(file => writeAndSend(folder, file)))
    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(totals.every(({ lines, accepted, quarantined }) => accepted + quarantined === lines)).toBe(true)
    await untilSettled(SETTLE_SECONDS)
    expect(await differencesFrom(files, run)).toEqual([])
  },
  40 * MINUTES,
)
