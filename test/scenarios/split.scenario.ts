import { kinesisOf } from '../../cli/clients.ts'
import { streamReader } from '../../cli/status/stream.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { splitInto, splitWidest } from '../fixtures/shards.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, type Run, simulatedFile, untilSettled, writeAndSend } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const SHARDS = 4
const folder = temporaryFolder('split')

test(
  'four shards write each country minute concurrently and one of them is split under load: the country minutes are exact',
  async () => {
    const target = await findTarget(undefined)
    await splitInto(target, SHARDS)
    const run = newRun(Date.now())
    const records = await simulatedFile('users', 10_000, run)
    const readShards = await shardsReader(target, run)
    const sending = writeAndSend(folder, records, '--rate', '2000')
    await eventually('every open shard has events of the run', async () => (await readShards()).size >= SHARDS, 60)
    const { parent, children } = await splitWidest(target)

    expect(await sending).toMatchObject({ lines: records.lines.length })
    await untilSettled(SETTLE_SECONDS)
    const shards = await readShards()
    expect(shards.size).toBeGreaterThan(SHARDS)
    expect([parent, ...children].filter(shard => !shards.has(shard))).toEqual([])
    expect(await differencesFrom([records], run)).toEqual([])
  },
  10 * MINUTES,
)

/** Returns a function that reads which shards hold events of the run. It reads older events now, because there is no time for it under load. */
async function shardsReader(target: Target, run: Run): Promise<() => Promise<Set<string>>> {
  const noRawEvents = { eventTypes: new Map(), isOn: () => false, retentionDays: 0 }
  const read = streamReader(kinesisOf(target), target.outputs.StreamName, noRawEvents)
  await read()
  return async () => {
    const ofRun = [...(await read()).deliveries.values()].filter(({ identity }) => identity.includes(`-${run.seed}-`))
    return new Set(ofRun.map(({ shard }) => shard))
  }
}
