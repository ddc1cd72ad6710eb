import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { kinesisOf } from '../../cli/clients.ts'
import { streamReader } from '../../cli/status/stream.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { openShards, splitWidest } from '../fixtures/shards.ts'
import { differencesFrom, newRun, quarantined, type Run, send, settled, simulatedFile, store } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const SHARDS = 4

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-split-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'minutes of countries are exact though four shards write each of them at once, and one shard is split under load',
  async () => {
    const target = await findTarget(undefined)
    while ((await openShards(target)).length < SHARDS) await splitWidest(target)
    const run = newRun(Date.now())
    const before = await quarantined()
    const records = await simulatedFile('users', 10_000, run)
    const shardsNow = await shardsReader(target, run)
    const sending = send(await store(folder, records), 'user_record', '--rate', '2000')
    await untilArrived(shardsNow)
    const { parent, children } = await splitWidest(target)

    expect(await sending).toMatchObject({ lines: records.lines.length })
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    const shards = await shardsNow()
    expect(shards.size).toBeGreaterThan(SHARDS)
    expect([parent, ...children].filter(shard => !shards.has(shard))).toEqual([])
    expect(await differencesFrom([records], run, before)).toEqual([])
  },
  10 * MINUTES,
)

/** Reads which shards hold events of the run. What stood in the stream before is read at once: later there is no time for it. */
async function shardsReader(target: Target, run: Run): Promise<() => Promise<Set<string>>> {
  const nothing = { eventTypes: new Map(), isOn: () => false, retentionDays: 0 }
  const read = streamReader(kinesisOf(target), target.outputs.StreamName, nothing)
  await read()
  return async () => {
    const own = [...(await read()).deliveries.values()].filter(({ identity }) => identity.includes(`-${run.seed}-`))
    return new Set(own.map(({ shard }) => shard))
  }
}

/** Resolves once every one of the open shards has got events of the run. */
async function untilArrived(shardsNow: () => Promise<Set<string>>): Promise<void> {
  const deadline = Date.now() + MINUTES
  while ((await shardsNow()).size < SHARDS)
    if (Date.now() > deadline) throw new Error('The events did not reach all shards within a minute.')
}
