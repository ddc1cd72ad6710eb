import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { differencesFrom, newRun, quarantined, send, settled, simulatedFile, store } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 480
const LINES = 20_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-workloads-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  '20,000 lines of each workload at once, with re-deliveries, disorder and bad lines: every store holds what the specification says, once',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const names = ['visits', 'actions', 'users', 'interactions', 'readings'] as const
    const files = await Promise.all(names.map(name => simulatedFile(name, LINES, run)))
    const totals = await Promise.all(files.map(async sent => send(await store(folder, sent), sent.type)))
    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(totals.every(({ lines, accepted, quarantined }) => accepted + quarantined === lines)).toBe(true)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom(files, run, before)).toEqual([])
  },
  12 * MINUTES,
)
