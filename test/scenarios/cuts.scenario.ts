import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { GetRecordsCommand, GetShardIteratorCommand, type KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis'
import { kinesisOf } from '../../cli/clients.ts'
import { findTarget } from '../../cli/target.ts'
import { readPorts } from '../../localstack/ports.ts'
import { millrace } from '../fixtures/command.ts'
import { differencesFrom, newRun, quarantined, type Run, settled, simulatedFile, store } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const CUT_SHARE = 0.4
/** How long connections are cut at one end, before they are cut at the other. */
const TURN_MS = 700
/** The generator's first numbers are alike for seeds that are near each other. */
const FAR_APART = 0x9e3779b1

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-cuts-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'connections are cut at random, before requests arrive and before their answers do: nothing is lost, nothing is counted twice',
  async () => {
    const run = newRun(Date.now())
    const before = await quarantined()
    const files = [await simulatedFile('readings', 10_000, run), await simulatedFile('visits', 3_000, run)]
    const cutting = cutConnections(run.seed)
    const ended = []
    for (const sent of files)
      ended.push(await millrace(['send', await store(folder, sent), '--type', sent.type, '--rate', '1200', '--json']))
    const turns = await cutting.end()

    const answered = ended.map(({ stdout }) => JSON.parse(stdout) as { lines: number; accepted: number; quarantined: number })
    expect(answered.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    const cuts = ended.flatMap(({ stderr }) => stderr.match(/waiting: /g) ?? []).length
    expect(cuts).toBeGreaterThan(0)
    expect(await settled(SETTLE_SECONDS)).toMatchObject({ settled: true })
    const stored = await storedOf(run)
    // Repetitions did reach the stream: that none is counted below is the state's doing.
    expect(stored.events).toBeGreaterThan(stored.distinct)
    expect(await differencesFrom(files, run, before)).toEqual([])
    const lines = files.reduce((sum, sent) => sum + sent.lines.length, 0)
    console.log(
      `sent ${lines} lines, ${cuts} requests cut in ${turns} turns; answered: accepted ${answered.reduce((sum, { accepted }) => sum + accepted, 0)}, ` +
        `quarantined ${answered.reduce((sum, { quarantined }) => sum + quarantined, 0)}; stream: ${stored.events} events, ${stored.distinct} distinct; doubled 0, lost 0`,
    )
  },
  10 * MINUTES,
)

const faults = (init: RequestInit) => fetch(`http://127.0.0.1:${readPorts().faults}/`, init)

/** Cuts connections, in turns before and after the request was carried out, until it is ended; resolves to the number of turns. */
function cutConnections(seed: number): { end(): Promise<number> } {
  const ending = new AbortController()
  const running = (async () => {
    let turn = 0
    for (; !ending.signal.aborted; turn++) {
      const when = turn % 2 === 0 ? 'after' : 'before'
      await faults({
        method: 'PUT',
        body: JSON.stringify({ cut: { probability: CUT_SHARE, when, seed: Math.imul(seed + turn, FAR_APART) } }),
      })
      await delay(TURN_MS, undefined, { signal: ending.signal }).catch(() => undefined)
    }
    await faults({ method: 'DELETE' })
    return turn
  })()
  return {
    end: () => {
      ending.abort()
      return running
    },
  }
}

/** How many events of this run the stream holds, and how many different ones. */
async function storedOf(run: Run): Promise<{ events: number; distinct: number }> {
  const target = await findTarget(undefined)
  const client = kinesisOf(target)
  const { StreamName } = target.outputs
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
  const texts = await Promise.all(Shards.map(({ ShardId = '' }) => readShard(client, StreamName, ShardId)))
  const ids = texts.flat().flatMap(text => [...text.matchAll(/"event_id":"([^"]+)"/g)].map(([, id = '']) => id))
  const own = ids.filter(id => id.includes(`-${run.seed}-`))
  return { events: own.length, distinct: new Set(own).size }
}

async function readShard(client: KinesisClient, StreamName: string, ShardId: string): Promise<string[]> {
  const start = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' as const }
  let next = (await client.send(new GetShardIteratorCommand(start))).ShardIterator
  const texts: string[] = []
  while (next) {
    const {
      Records = [],
      NextShardIterator,
      MillisBehindLatest = 0,
    } = await client.send(new GetRecordsCommand({ ShardIterator: next }))
    texts.push(...Records.map(({ Data }) => Buffer.from(Data ?? []).toString()))
    next = Records.length === 0 && MillisBehindLatest === 0 ? undefined : NextShardIterator
  }
  return texts
}
