import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, simulatedFile, untilSettled, writeAndSend } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 2_400
const LINES = 200_000
const folder = temporaryFolder('workloads')

test.each(['visits', 'actions', 'users', 'interactions', 'readings'] as const)(
  '200,000 lines of %s, out of order, with duplicates and bad lines: every store holds what the specification says, once',
  async name => {
    const run = newRun(Date.now())
    const file = await simulatedFile(name, LINES, run)
    expect(await writeAndSend(folder, file)).toMatchObject({ lines: file.lines.length })
    await untilSettled(SETTLE_SECONDS)
    expect(await differencesFrom([file], run)).toEqual([])
  },
  60 * MINUTES,
)
