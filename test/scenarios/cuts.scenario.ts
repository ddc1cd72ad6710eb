import { setTimeout as delay } from 'node:timers/promises'
import { GetRecordsCommand, GetShardIteratorCommand, type KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis'
import { kinesisOf } from '../../cli/clients.ts'
import { findTarget } from '../../cli/target.ts'
import { endFaults, makeFaults } from '../clients/sdk-run.ts'
import { type CommandResult, millrace } from '../fixtures/command.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { differencesFrom, newRun, type Run, simulatedFile, untilSettled, writeLines } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 240
const CUT_PROBABILITY = 0.4
/** How long connections are cut at one point before they are cut at the other. */
const PHASE_MS = 700
/** Multiplying by this spreads the seeds of the phases: nearby seeds give the generator similar first numbers. */
const SEED_MULTIPLIER = 0x9e3779b1
const folder = temporaryFolder('cuts')

test(
  'connections are cut at random, before requests arrive and before their responses do: nothing is lost or counted twice',
  async () => {
    const run = newRun(Date.now())
    const files = [await simulatedFile('readings', 10_000, run), await simulatedFile('visits', 3_000, run)]
    const cutting = cutConnections(run.seed)
    const results: CommandResult[] = []
    for (const file of files)
      results.push(await millrace(['send', await writeLines(folder, file), '--type', file.type, '--rate', '1200', '--json']))
    const phases = await cutting.stop()

    const totals = results.map(({ stdout }) => JSON.parse(stdout) as { lines: number; accepted: number; quarantined: number })
    expect(totals.map(({ lines }) => lines)).toEqual(files.map(({ lines }) => lines.length))
    const cuts = results.flatMap(({ stderr }) => stderr.match(/waiting: /g) ?? []).length
    expect(cuts).toBeGreaterThan(0)
    await untilSettled(SETTLE_SECONDS)
    const stream = await countInStream(run)
    // The stream does hold duplicates, so it is the state function that removes them below.
    expect(stream.events).toBeGreaterThan(stream.distinct)
    expect(await differencesFrom(files, run)).toEqual([])
    const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0)
    console.log(
      `sent ${sum(totals.map(({ lines }) => lines))} lines, ${cuts} requests cut in ${phases} phases; ` +
        `responses: accepted ${sum(totals.map(({ accepted }) => accepted))}, quarantined ${sum(totals.map(({ quarantined }) => quarantined))}; ` +
        `stream: ${stream.events} events, ${stream.distinct} distinct; counted twice 0, lost 0`,
    )
  },
  10 * MINUTES,
)

/** Cuts connections until `stop` is called, in phases: after, then before the function handles the request. Resolves to the number of phases. */
function cutConnections(seed: number): { stop(): Promise<number> } {
  const stopping = new AbortController()
  const running = (async () => {
    let phase = 0
    for (; !stopping.signal.aborted; phase++) {
      const when = phase % 2 === 0 ? 'after' : 'before'
      await makeFaults({ cut: { probability: CUT_PROBABILITY, when, seed: Math.imul(seed + phase, SEED_MULTIPLIER) } })
      await delay(PHASE_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
    await endFaults()
    return phase
  })()
  return {
    stop: () => {
      stopping.abort()
      return running
    },
  }
}

/** How many events of this run the stream holds, and how many distinct ones. */
async function countInStream(run: Run): Promise<{ events: number; distinct: number }> {
  const target = await findTarget(undefined)
  const client = kinesisOf(target)
  const { StreamName } = target.outputs
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
  const texts = await Promise.all(Shards.map(({ ShardId = '' }) => readShard(client, StreamName, ShardId)))
  const ids = texts.flat().flatMap(text => [...text.matchAll(/"event_id":"([^"]+)"/g)].map(([, id = '']) => id))
  const idsOfRun = ids.filter(id => id.includes(`-${run.seed}-`))
  return { events: idsOfRun.length, distinct: new Set(idsOfRun).size }
}

async function readShard(client: KinesisClient, StreamName: string, ShardId: string): Promise<string[]> {
  const start = new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' })
  let next = (await client.send(start)).ShardIterator
  const texts: string[] = []
  while (next) {
    const page = await client.send(new GetRecordsCommand({ ShardIterator: next }))
    const { Records = [], NextShardIterator, MillisBehindLatest = 0 } = page
    texts.push(...Records.map(({ Data }) => Buffer.from(Data ?? []).toString()))
    next = Records.length === 0 && MillisBehindLatest === 0 ? undefined : NextShardIterator
  }
  return texts
}
