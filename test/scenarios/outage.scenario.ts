import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openSearchPid } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { millrace } from '../command.ts'
import { differencesFrom, newRun, quarantined, readingsFile, send, settled, store, visitsFile } from './thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-outage-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'OpenSearch killed under load: events are taken all the same, and once it is back every document is as if nothing had been',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const files = [await readingsFile(run, 10_000), await visitsFile(run, 2_000)]
    const [readings, visits] = await Promise.all(files.map(sent => store(folder, sent)))
    const sending = send(readings ?? '', 'reading', '--rate', '5000')
    killOpenSearch()
    const totals = [await sending, await send(visits ?? '', 'page_visit')]
    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(await millrace(['status', '--wait', '3'])).toMatchObject({ code: 1, stderr: 'Not settled after 3 seconds.\n' })

    expect((await millrace(['up', '--detach'])).code).toBe(0)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom(files, run, before)).toEqual([])
  },
  10 * MINUTES,
)

function killOpenSearch(): void {
  const pid = openSearchPid(localCloud().openSearch)
  if (pid === undefined) throw new Error('OpenSearch does not run, so it cannot be killed.')
  process.kill(pid, 'SIGKILL')
}
