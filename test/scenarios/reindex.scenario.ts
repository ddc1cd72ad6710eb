import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { searchOf } from '../../cli/clients.ts'
import { findTarget } from '../../cli/target.ts'
import { projections } from '../../shared/catalogue.ts'
import { indexOf } from '../../shared/search.ts'
import { millraceJson } from '../command.ts'
import { differencesFrom, newRun, quarantined, send, settled, simulatedFile, store } from './thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-reindex-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'all documents are lost, and reindex makes them anew while events flow: every document is as the specification says',
  async () => {
    const search = await searchOf(await findTarget(undefined))
    const run = newRun(Date.now())
    const before = await quarantined()
    const early = [await simulatedFile('visits', 1_000, run), await simulatedFile('readings', 5_000, run)]
    for (const sent of early) await send(await store(folder, sent), sent.type)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })

    await search?.indices.delete({ index: projections.map(indexOf) })
    const late = await simulatedFile('users', 2_000, run)
    const sending = send(await store(folder, late), late.type, '--rate', '500')
    const { documents } = await millraceJson<{ documents: number }>('reindex')
    expect(documents).toBeGreaterThan(0)
    await sending

    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom([...early, late], run, before)).toEqual([])

    expect(await millraceJson('reindex', 'recent-urls')).toMatchObject({ documents: expect.any(Number) })
    expect(await differencesFrom([...early, late], run, before)).toEqual([])
  },
  10 * MINUTES,
)
