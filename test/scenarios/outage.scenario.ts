import { searchOf } from '../../cli/clients.ts'
import { findTarget } from '../../cli/target.ts'
import { killOpenSearch } from '../../localstack/opensearch.ts'
import { localCloud } from '../../localstack/parts.ts'
import { millrace } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, type Run, simulatedFile, untilSettled, writeAndSend } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const INTERACTIONS = 'events-interaction-*'
const folder = temporaryFolder('outage')

test(
  'OpenSearch is killed while it indexes interactions: events are still accepted, and after its restart every document is indexed without a command',
  async () => {
    const run = newRun(Date.now())
    const interactions = await simulatedFile('interactions', 5_000, run)
    const later = [await simulatedFile('readings', 10_000, run), await simulatedFile('visits', 2_000, run)]
    const files = [interactions, ...later]
    const sending = writeAndSend(folder, interactions, '--rate', '1000')
    await untilIndexed(run)
    expect(await killOpenSearch(localCloud().openSearch)).toBe(true)
    const totals = [await sending]
    for (const file of later) totals.push(await writeAndSend(folder, file))
    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    expect(await millrace(['status', '--wait', '3'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^Not settled after 3 seconds\. OpenSearch ended unexpectedly: .* Start it again with `npx millrace up`\.\n$/,
      ),
    })

    expect((await millrace(['up', '--detach'])).code).toBe(0)
    await untilSettled(SETTLE_SECONDS)
    expect(await differencesFrom(files, run)).toEqual([])
  },
  20 * MINUTES,
)

/** Resolves once some documents of the run's interactions can be searched. */
async function untilIndexed(run: Run): Promise<void> {
  const search = await searchOf(await findTarget(undefined))
  const query = { prefix: { event_id: `interactions-${run.seed}-` } }
  // A new index answers with an error until its shard has started.
  const ignore = () => undefined
  const isIndexed = async (): Promise<boolean> => {
    await search?.indices.refresh({ index: INTERACTIONS }).catch(ignore)
    const response = await search?.count({ index: INTERACTIONS, body: { query } }).catch(ignore)
    return (response?.body.count ?? 0) > 0
  }
  await eventually('an interaction is indexed', isIndexed, 240)
}
