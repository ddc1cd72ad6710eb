// node test/bench/hot-user.ts: how many events a second of one user its item, its windows and its shard take. Batches are those of a
// stage; what a table, a shard and a function take is computed from what the product's code writes and needs.

import { formatTable } from '../../cli/table.ts'
import { settingsFor } from '../../infra/settings.ts'
import type { Settings } from '../../infra/settings-types.ts'
import { deviceAt, type PostedRequest, readingOf } from './cost/mixes.ts'
import type { Pipeline } from './cost/pipeline.ts'
import { runShard, START } from './cost/run-mix.ts'

/** What DynamoDB writes to one item a second, and to one partition. */
const ITEM_UNITS = 1000
/** What a shard of Kinesis accepts in a second. */
const SHARD_RECORDS = 1000
const SHARD_BYTES = 1e6
const SPAN = { users: 1, fill: 10, measure: 30 }
const MINUTE_MS = 60_000
const MB_PER_PROCESSOR = 1769

/** A device that sends what it has stored meanwhile: each reading is in another minute. */
function* history(everyMs: number, perRequest: number): Generator<PostedRequest> {
  for (let request = 0; ; request++) {
    const first = START - (request + 1) * perRequest * MINUTE_MS
    const readings = Array.from({ length: perRequest }, (_, i) => readingOf(0, first + i * MINUTE_MS, Math.random))
    yield { at: START + request * everyMs, path: '/v1/events', body: JSON.stringify(readings), events: perRequest }
  }
}

/** What one user sends: at about the rate of a shard, and a history of 200 readings a second. */
const loads: Readonly<Record<string, () => Generator<PostedRequest>>> = {
  'a record for each reading': () => deviceAt(1, 1, 1, START),
  '10 readings a request': () => deviceAt(4, 10, 1, START),
  '500 readings a request': () => deviceAt(200, 500, 1, START),
  '10 readings a request, each in another minute': () => history(50, 10),
}

async function row(load: string, stage: string, settings: Settings): Promise<object> {
  const pipeline = await runShard((loads[load] as () => Generator<PostedRequest>)(), settings, SPAN, 1)
  const { events, wire, table } = pipeline
  const [user, window] = ['user', 'window'].map(kind => table.meter.kinds.get(kind))
  const takes = (units: number | undefined) => (units ? Math.floor((ITEM_UNITS * events) / units) : undefined)
  return {
    ...{ load, stage, 'events a second': Math.round(events / SPAN.measure), 'bytes an event': Math.round(wire.bytes / events) },
    ...{ 'events a put': Math.round(events / (user?.puts ?? 0)), 'units a put': round((user?.units ?? 0) / (user?.puts ?? 0)) },
    'item takes puts': Math.floor((ITEM_UNITS * (user?.puts ?? 0)) / (user?.units ?? 0)),
    'item takes': takes(user?.units),
    'windows take': takes(window?.units),
    'shard takes': Math.floor(Math.min((SHARD_RECORDS * events) / wire.records, (SHARD_BYTES * events) / wire.bytes)),
    'function takes': functionTakes(pipeline, settings),
  }
}

/** By the CPU of the state function and its modelled calls: it handles one batch of a shard at a time. */
function functionTakes({ events, meters }: Pipeline, settings: Settings): number {
  const { cpuMs, waitMs } = meters.state
  const speed = Math.min(1, settings.functions.state.memory / MB_PER_PROCESSOR)
  return Math.floor((events * 1000) / (cpuMs / speed + waitMs))
}

const round = (number: number): number => Math.round(number * 100) / 100

const rows: object[] = []
for (const load of Object.keys(loads)) for (const stage of ['prod', 'dev']) rows.push(await row(load, stage, settingsFor(stage)))
console.log(formatTable(rows, Object.keys(rows[0] ?? {})))
