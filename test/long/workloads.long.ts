import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { differencesFrom, newRun, quarantined, send, settled, simulatedFile, store } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 2_400
const LINES = 200_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-workloads-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each(['visits', 'actions', 'users', 'interactions', 'readings'] as const)(
  '200,000 lines of %s with re-deliveries, disorder and bad lines: every store holds what the specification says, once',
  async name => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const sent = await simulatedFile(name, LINES, run)
    expect(await send(await store(folder, sent), sent.type)).toMatchObject({ lines: sent.lines.length })
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom([sent], run, before)).toEqual([])
  },
  60 * MINUTES,
)
