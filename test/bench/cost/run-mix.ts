import type { PublishedMix } from '../../../cli/cost/published-mixes.ts'
import type { Settings } from '../../../infra/settings-types.ts'
import { cacheBytes } from '../../../lambdas/state/dynamodb-pages.ts'
import { billOf, floorOf, type Runs } from './bill.ts'
import type { Mix, PostedRequest } from './mixes.ts'
import { percentiles } from './percentiles.ts'
import { type Load, type Mappings, Pipeline } from './pipeline.ts'
import type { SdkCpu } from './sdk-cpu.ts'

export const START = Date.parse('2026-11-01T00:00:00Z')
const SHARDS = 4

const mappingsOf = ({ state, windows, search }: Settings): Mappings => {
  if (search === 'off') throw new Error('The bench needs a stage with search.')
  return { state: state.batch, windows, documents: search.documents, rawEvents: search.rawEvents.batch }
}

function storesOf({ search, functions, state: { identities } }: Settings, share: number): Load['stores'] {
  return {
    cacheBytes: cacheBytes(String(functions.state.memory)) * share,
    rawEvents: search === 'off' ? ({ types: 'none', days: 0 } as const) : search.rawEvents,
    identities: { minutes: identities.window.toMinutes(), count: identities.count, days: identities.memory.toDays() },
  }
}

/** How long a run fills the stores, and how long it measures, in seconds. */
export interface Span {
  readonly users: number
  readonly fill: number
  readonly measure: number
}

/** Runs the requests of users of one shard, which are this share of the users of the shard. */
export async function runShard(
  requests: Generator<PostedRequest>,
  settings: Settings,
  { fill, measure }: Span,
  share: number,
  changes: Partial<Load> = {},
): Promise<Pipeline> {
  const measureFrom = START + fill * 1000
  const pipeline = new Pipeline({
    ...{ requests, start: START, measureFrom, end: measureFrom + measure * 1000, freshEachHour: true },
    ...{ mappings: mappingsOf(settings), stores: storesOf(settings, share) },
    ...changes,
  })
  await pipeline.run()
  return pipeline
}

/** Few users with a history, for as long as their pages take to be merged; and the traffic of a whole shard for a short time. */
const spans: Readonly<Record<string, { readonly history: Span; readonly shard: Span }>> = {
  A: { history: { users: 10, fill: 2048, measure: 2048 }, shard: { users: 250, fill: 20, measure: 40 } },
  B: { history: { users: 10, fill: 2048, measure: 2048 }, shard: { users: 250, fill: 20, measure: 40 } },
  C: { history: { users: 25, fill: 86_400, measure: 86_400 }, shard: { users: 25_000, fill: 20, measure: 40 } },
  D: { history: { users: 500, fill: 86_400, measure: 86_400 }, shard: { users: 250_000, fill: 20, measure: 40 } },
}

export async function runMix(mix: Mix, settings: Settings, sdk: SdkCpu): Promise<{ runs: Runs; published: PublishedMix }> {
  const { history, shard } = spans[mix.name] as (typeof spans)[string]
  const of = (span: Span) => runShard(mix.requests(span.users, START), settings, span, (span.users * SHARDS) / mix.users)
  const runs = { users: await of(history), shard: await of(shard), sdk, settings }
  const { user, window } = runs.shard.freshness
  const parts = billOf(runs)
  const written = [parts['state'], parts['windows']].reduce((sum, usage) => sum + (usage?.writeUnits ?? 0), 0)
  const freshness = { user: percentiles(user), window: percentiles(window) }
  return {
    runs,
    published: { name: mix.name, about: mix.about, parts, floor: floorOf(runs), writeUnits: written / 1e6, freshness },
  }
}
