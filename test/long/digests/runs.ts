import { rollDice } from '../../../cli/simulators/dice.ts'
import { handler as setUp } from '../../../lambdas/search/set-up.lambda.ts'
import { dealCase } from '../../clients/fuzz/requests.ts'
import { badRequests } from './bad-requests.ts'
import { mutatedRows } from './bad-rows.ts'
import type { Outputs } from './canonical.ts'
import { type Cloud, newCloud } from './cloud.ts'
import { START, setClock } from './environment.ts'
import { asEvent, broken, ingestFunction, seen, sendAll, slowly } from './ingesting.ts'
import { type Posted, workloads } from './inputs.ts'
import { logged } from './log.ts'
import { describe, repair, runReaders } from './pipeline.ts'
import { readEverything } from './reading.ts'
import { addStrangeRecords, trouble } from './strange.ts'

const FUZZED = 500
/** In these much time passes between requests: more than identities are kept. */
const SLOW: ReadonlySet<string> = new Set(['visits', 'readings'])

/** Prepares the search cluster; also what later runs find ready. */
export async function setUpSearch(outputs: Outputs): Promise<void> {
  const cloud = newCloud()
  const log = await logged(() => setUp({}))
  outputs.add('set-up.search', [...cloud.search.requests, ...log])
}

/** Every workload through all functions, each with stores of its own. */
export async function runWorkloads(outputs: Outputs): Promise<void> {
  for (const [name, posts] of await workloads()) {
    const cloud = newCloud()
    cloud.flaky = name === 'mixed' ? 53 : 0
    await runAll(name, cloud, posts, outputs)
  }
}

async function runAll(name: string, cloud: Cloud, posts: readonly Posted[], outputs: Outputs): Promise<void> {
  const answers: unknown[] = []
  const read: unknown[] = []
  const log = await logged(async () => {
    answers.push(...(await sendAll(posts, ingestFunction(), SLOW.has(name) ? 20_000 : 137)))
    cloud.flaky = 0
    if (name === 'mixed') addStrangeRecords(cloud)
    read.push(...(await runReaders(cloud)))
    if (name === 'mixed') read.push(...(await trouble(cloud)))
  })
  outputs.add(`${name}.answers`, answers)
  outputs.add(`${name}.batches`, read)
  await describe(name, cloud, log, outputs)
  await readEverything(name, cloud, outputs)
  await repair(name, cloud, outputs)
}

/** Wrong requests, wrong rows, and those of the fuzzer, in worlds whose stores may be down; what is accepted goes on to the readers. */
export async function runHostile(outputs: Outputs): Promise<void> {
  await runAll('wrong-requests', newCloud(), badRequests(), outputs)
  await runAll('wrong-rows', newCloud(), mutatedRows(), outputs)
  const cloud = newCloud()
  const dice = rollDice(77)
  const answers: unknown[] = []
  const log = await logged(async () => {
    for (let n = 0; n < FUZZED; n++) {
      setClock(START + n * 31)
      const { path, posted, store, limited } = dealCase(dice, n)
      const take = ingestFunction({ ...broken[store], ...(limited && { withinRateLimit: () => false }) })
      answers.push([path, store, ...seen(await take(asEvent({ path, ...posted })))])
    }
    const limited = ingestFunction(slowly(3))
    const post = { path: '/v1/events', headers: { authorization: 'Bearer good' }, body: '{"type":"a"}' }
    for (let n = 0; n < 20; n++) {
      setClock(START + n * 100)
      answers.push(seen(await limited(asEvent(post))))
    }
    await runReaders(cloud)
  })
  outputs.add('fuzzed.answers', answers)
  await describe('fuzzed', cloud, log, outputs)
}
