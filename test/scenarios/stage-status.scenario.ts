import { realRuntime } from '../../cli/send.ts'
import { stageStatusReader } from '../../cli/status/stage.ts'
import { settleWhileItChanges, statusReader } from '../../cli/status.ts'
import { findTarget } from '../../cli/target.ts'
import { stackName } from '../../shared/outputs.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { newRun, simulatedFile, writeAndSend } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const folder = temporaryFolder('stage-status')

test(
  'the status of a stage waits until every store has the newest events',
  async () => {
    await writeAndSend(folder, await simulatedFile('readings', 500, newRun(Date.now())))
    const target = await findTarget(undefined)
    const read = await stageStatusReader(target, stackName('local'), realRuntime)

    const status = await settleWhileItChanges(read, SETTLE_SECONDS, () => undefined)
    expect(status).toMatchObject({ settled: true, newest: { streamRead: true, windowsMerged: true, documentsMissing: 0 } })
    const { events, folded, archived } = status.newest
    expect(events).toBeGreaterThan(0)
    expect([folded, archived]).toEqual([events, events])
    expect([status.folded, status.archived]).toEqual([status.accepted, status.accepted])

    const exact = await settleWhileItChanges(await statusReader(target), SETTLE_SECONDS, () => undefined)
    expect(status.quarantined).toBe(exact.quarantined)
    expect(status.indexed).toBeGreaterThanOrEqual(exact.indexed)
  },
  10 * MINUTES,
)
