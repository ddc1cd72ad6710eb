import { rollDice } from '../../../cli/simulators/dice.ts'
import { handler as setUp } from '../../../lambdas/search/set-up.lambda.ts'
import { dealCase } from '../../clients/fuzz/requests.ts'
import { badRequests } from './bad-requests.ts'
import { mutatedRows } from './bad-rows.ts'
import type { Outputs } from './canonical.ts'
import { type Cloud, newCloud } from './cloud.ts'
import { START, setClock } from './environment.ts'
import { type IngestRequest, workloads } from './inputs.ts'
import { captureLog } from './log.ts'
import { addStores, repair, runReaders } from './pipeline.ts'
import { queryEverything } from './queries.ts'
import { asEvent, ingestFunction, limitedTo, outages, responseParts, sendAll } from './requests.ts'
import { addUnusualRecords, readUnderFaults } from './unusual-records.ts'

const FUZZED = 500
/** In these workloads more time passes between requests than identities are kept. */
const SLOW: ReadonlySet<string> = new Set(['visits', 'readings'])

/** Sets up the search cluster. */
export async function setUpSearch(outputs: Outputs): Promise<void> {
  const cloud = newCloud()
  const log = await captureLog(() => setUp({}))
  outputs.add('set-up.search', [...cloud.search.requests, ...log])
}

/** Runs every workload through all functions, each with its own stores. */
export async function runWorkloads(outputs: Outputs): Promise<void> {
  for (const [name, requests] of await workloads()) {
    const cloud = newCloud()
    cloud.flaky = name === 'mixed' ? 53 : 0
    await runAll(name, cloud, requests, outputs)
  }
}

async function runAll(name: string, cloud: Cloud, requests: readonly IngestRequest[], outputs: Outputs): Promise<void> {
  const responses: unknown[] = []
  const batches: unknown[] = []
  const log = await captureLog(async () => {
    responses.push(...(await sendAll(requests, ingestFunction(), SLOW.has(name) ? 20_000 : 137)))
    cloud.flaky = 0
    if (name === 'mixed') addUnusualRecords(cloud)
    batches.push(...(await runReaders(cloud)))
    if (name === 'mixed') batches.push(...(await readUnderFaults(cloud)))
  })
  outputs.add(`${name}.answers`, responses)
  outputs.add(`${name}.batches`, batches)
  await addStores(name, cloud, log, outputs)
  await queryEverything(name, cloud, outputs)
  await repair(name, cloud, outputs)
}

/** Runs invalid requests, invalid rows and fuzzed requests while stores may be unreachable. The readers process what is accepted. */
export async function runHostile(outputs: Outputs): Promise<void> {
  await runAll('wrong-requests', newCloud(), badRequests(), outputs)
  await runAll('wrong-rows', newCloud(), mutatedRows(), outputs)
  const cloud = newCloud()
  const dice = rollDice(77)
  const responses: unknown[] = []
  const log = await captureLog(async () => {
    for (let n = 0; n < FUZZED; n++) {
      setClock(START + n * 31)
      const { path, posted, store, limited } = dealCase(dice, n)
      const ingest = ingestFunction({ ...outages[store], ...(limited && { withinRateLimit: () => false }) })
      responses.push([path, store, ...responseParts(await ingest(asEvent({ path, ...posted })))])
    }
    const limited = ingestFunction(limitedTo(3))
    const request = { path: '/v1/events', headers: { authorization: 'Bearer good' }, body: '{"type":"a"}' }
    for (let n = 0; n < 20; n++) {
      setClock(START + n * 100)
      responses.push(responseParts(await limited(asEvent(request))))
    }
    await runReaders(cloud)
  })
  outputs.add('fuzzed.answers', responses)
  await addStores('fuzzed', cloud, log, outputs)
}
