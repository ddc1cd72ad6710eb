import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { searchOf } from '../../cli/clients.ts'
import { findTarget } from '../../cli/target.ts'
import { killOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { millrace } from '../command.ts'
import { differencesFrom, newRun, quarantined, type Run, send, settled, simulatedFile, store } from './thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const INTERACTIONS = 'events-interaction-*'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-outage-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'OpenSearch killed while it indexes interactions: events are taken all the same, and once it is back every document comes by itself',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const interactions = await simulatedFile('interactions', 5_000, run)
    const later = [await simulatedFile('readings', 10_000, run), await simulatedFile('visits', 2_000, run)]
    const files = [interactions, ...later]
    const sending = send(await store(folder, interactions), interactions.type, '--rate', '1000')
    await untilIndexed(run)
    expect(await killOpenSearch(localCloud().openSearch)).toBe(true)
    const totals = [await sending]
    for (const sent of later) totals.push(await send(await store(folder, sent), sent.type))
    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(await millrace(['status', '--wait', '3'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Not settled after 3 seconds\./),
    })

    expect((await millrace(['up', '--detach'])).code).toBe(0)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    expect(await differencesFrom(files, run, before)).toEqual([])
  },
  10 * MINUTES,
)

/** An index that was made a moment ago answers with a failure until its shard is there. */
const notYet = () => undefined

/** Resolves once some of the run's interactions have their documents. */
async function untilIndexed(run: Run): Promise<void> {
  const search = await searchOf(await findTarget(undefined))
  const query = { prefix: { event_id: `interactions-${run.seed}-` } }
  const deadline = Date.now() + MINUTES
  for (;;) {
    const answer = await search?.count({ index: INTERACTIONS, body: { query } }).catch(notYet)
    if ((answer?.body.count ?? 0) > 0) return
    await search?.indices.refresh({ index: INTERACTIONS }).catch(notYet)
    if (Date.now() > deadline) throw new Error('No interaction was indexed within a minute.')
  }
}
