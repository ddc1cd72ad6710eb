// node test/bench/quotas.ts: what the check of a key's quota costs, in calls of its store and in time, beside the price of a request.

import { formatTable } from '../../cli/table.ts'
import { keyQuotas } from '../../lambdas/ingest/key-quotas.ts'
import type { Quota } from '../../shared/keys.ts'
import { aClientKey } from '../fixtures/keys.ts'
import { type Load, quotasInMemory, runLoad, seeded, spreads } from '../fixtures/quota-load.ts'

const MILLION = 1e6
/** $ in us-east-1 for a million. */
const WRITE_UNITS = 0.625
const API_REQUESTS = 1
const INVOCATIONS = 0.2
/** For a GB-second on arm64; ingest has 1 GB. */
const COMPUTE = 0.0000133334
/** A warm request of one event. Rather too short, which makes the check look dearer. */
const REQUEST_MS = 8
/** How long a request waits for the store. */
const CALL_MS = 6
const REQUEST_DOLLARS = API_REQUESTS + INVOCATIONS + REQUEST_MS * 1000 * COMPUTE
const CALL_DOLLARS = WRITE_UNITS + CALL_MS * 1000 * COMPUTE

const client: Quota = { minute: 6000, day: MILLION }
const write: Quota = { minute: 300_000, day: 'none' }
const MINUTES = 5

interface Case {
  readonly quota: Quota
  readonly environments: number
  readonly spread: string
  readonly requestsPerSecond: number
  readonly eventsPerRequest: number
}

const cases: readonly Case[] = [
  ...[1, 20].flatMap(environments =>
    ['evenly', 'mostly one', 'one after another, a second each'].flatMap(spread => [
      { quota: client, environments, spread, requestsPerSecond: 50, eventsPerRequest: 1 },
      { quota: client, environments, spread, requestsPerSecond: 90, eventsPerRequest: 1 },
    ]),
  ),
  { quota: client, environments: 20, spread: 'evenly', requestsPerSecond: 50, eventsPerRequest: 2 },
  { quota: write, environments: 20, spread: 'evenly', requestsPerSecond: 200, eventsPerRequest: 20 },
  { quota: client, environments: 20, spread: 'evenly', requestsPerSecond: 1000, eventsPerRequest: 1 },
]

async function measure({ quota, environments, spread, requestsPerSecond, eventsPerRequest }: Case) {
  const { store, calls } = quotasInMemory()
  const load: Load = {
    ...{ environments, spread: spreads[spread] as Load['spread'], quota, eventsPerRequest, bytesPerEvent: 300 },
    ...{ load: (requestsPerSecond * 60 * eventsPerRequest) / Number(quota.minute), minutes: MINUTES, random: seeded(1) },
  }
  const minutes = await runLoad(load, store)
  const requests = minutes.reduce((sum, { offered }) => sum + offered.events, 0) / eventsPerRequest
  const share = calls.count / requests
  return {
    ...{ quota: quota.minute, environments, used: spread, 'requests/s': requestsPerSecond, 'events each': eventsPerRequest },
    ...{ 'requests per call': requests / calls.count, '$ per million': (share * CALL_DOLLARS).toFixed(4) },
    '% of API and ingest': ((100 * share * CALL_DOLLARS) / REQUEST_DOLLARS).toFixed(2),
  }
}

/** Microseconds that a check takes without a call of the store. */
async function microseconds(): Promise<number> {
  const { store } = quotasInMemory()
  const quotas = keyQuotas({
    store,
    quotaOf: () => ({ minute: 1e9, day: 'none' }),
    spentKeys: async () => undefined,
    now: Date.now,
  })
  const telemetry = { count: () => {}, annotate: () => {} }
  const key = aClientKey()
  const COUNT = 200_000
  const start = performance.now()
  for (let n = 0; n < COUNT; n++) await quotas.take(key, { events: 1, bytes: 300 }, telemetry)
  return ((performance.now() - start) * 1000) / COUNT
}

const rows = []
for (const each of cases) rows.push(await measure(each))
console.log(formatTable(rows, Object.keys(rows[0] ?? {})))
console.log(
  `\nA request of one event costs $${REQUEST_DOLLARS.toFixed(2)} per million in API Gateway and ingest alone, a call of the store $${CALL_DOLLARS.toFixed(2)}.`,
)
console.log(`A check without a call takes ${(await microseconds()).toFixed(1)} µs.`)
