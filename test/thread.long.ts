import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { differencesFrom, newRun, quarantined, readingsFile, send, settled, store, visitsFile } from './scenarios/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 1_200

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-thread-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  '200,000 lines of readings and 50,000 of visits with re-deliveries, disorder and bad lines: every store holds what the specification says, once',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const files = [await readingsFile(run, 200_000), await visitsFile(run, 50_000)]
    for (const sent of files) expect(await send(await store(folder, sent), sent.type)).toMatchObject({ lines: sent.lines.length })
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom(files, run, before)).toEqual([])
  },
  40 * MINUTES,
)
