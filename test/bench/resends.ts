// node test/bench/resends.ts: what a longer memory for re-sent events costs. Each mix with 2 % of its events in queues of a day and 1 %
// sent again after 20 minutes to 6 days, beside the same mix without them; a backfill of 30 days; and clocks that say 1970.

import { Duration } from 'aws-cdk-lib'
import { readPublished } from '../../cli/cost/published-mixes.ts'
import { addUsage, dollarsOf, type Usage } from '../../cli/cost/usage.ts'
import { formatTable } from '../../cli/table.ts'
import { settingsFor } from '../../infra/settings.ts'
import type { Settings } from '../../infra/settings-types.ts'
import { deviceAt, type Mix, mixes, type PostedRequest } from './cost/mixes.ts'
import type { Pipeline } from './cost/pipeline.ts'
import { type Resends, withResends } from './cost/resends.ts'
import { runShard, START } from './cost/run-mix.ts'

const prod = settingsFor('prod')
const DAY = 86_400
const FILL_DAYS = 6.5
const SHARDS = 4
/** Larger batches fill the stores of six days sooner. */
const filling = { size: 5000, window: Duration.seconds(60) }
const changes = { filling: { state: filling, windows: filling, documents: filling, rawEvents: filling } }

const print = (title: string, rows: readonly object[]): void =>
  console.log(`\n${title}\n${formatTable(rows, [...new Set(rows.flatMap(row => Object.keys(row)))])}`)

/** Units of the tables of the state function for a million events. */
function tablesOf({ table, pages, events }: Pipeline): Usage {
  const user = table.meter.kinds.get('user')
  const units = addUsage(
    { writeUnits: user?.units ?? 0, readUnits: user?.readUnits ?? 0 },
    { writeUnits: pages.meter.writeUnits, readUnits: pages.meter.readUnits },
  )
  return { writeUnits: ((units.writeUnits ?? 0) * 1e6) / events, readUnits: ((units.readUnits ?? 0) * 1e6) / events }
}

interface Case {
  readonly users: number
  /** Measured time in seconds. */
  readonly measure: number
  /** Instead of the requests of the mix. */
  readonly requests?: Mix['requests']
}

const cases: Readonly<Record<string, Case>> = {
  // A device without its gateway: the tables have an item for each user, whatever a request packs.
  A: { users: 1, measure: DAY, requests: (users, start) => deviceAt(1000, 1, users, start) },
  B: { users: 4, measure: 4 * 3600 },
  C: { users: 40, measure: DAY },
  D: { users: 600, measure: DAY },
}

async function compare(mix: Mix, settings: Settings): Promise<object> {
  const { users, measure, requests = mix.requests } = cases[mix.name] as Case
  const share = (users * SHARDS) / mix.users
  const resends: Resends = { since: START + FILL_DAYS * DAY * 1000, count: 0 }
  const span = { users, fill: FILL_DAYS * DAY, measure }
  const plain = await runShard(requests(users, START), settings, span, share, changes)
  const longer = await runShard(withResends(requests(users, START), resends), settings, span, share, changes)
  const [before, after] = [tablesOf(plain), tablesOf(longer)]
  const published = readPublished().mixes.find(({ name }) => name === mix.name)
  const total = dollarsOf(addUsage(...Object.values(published?.parts ?? {})))
  const more = dollarsOf(after) - dollarsOf(before)
  return {
    mix: mix.name,
    ...{
      events: longer.events,
      'sent again': resends.count,
      recognised: longer.meters.state.repeated,
      skipped: longer.meters.state.skipped,
    },
    ...{ writes: before.writeUnits, 'writes with': after.writeUnits, reads: before.readUnits, 'reads with': after.readUnits },
    ...{ '$ more': more.toFixed(4), '% of the mix': ((100 * more) / total).toFixed(1) },
  }
}

/** What one user costs, for all its events. */
const userRow = (name: string, pipeline: Pipeline): object => {
  const { events, meters, pages, invocations } = pipeline
  const units = tablesOf(pipeline)
  return {
    ...{ what: name, events, batches: invocations.state, 'CPU s': meters.state.cpuMs / 1000 },
    ...{ writes: ((units.writeUnits ?? 0) * events) / 1e6, reads: ((units.readUnits ?? 0) * events) / 1e6 },
    ...{ $: ((dollarsOf(units) * events) / 1e6).toFixed(4), '$ a million': dollarsOf(units).toFixed(3) },
    ...{ 'pages put': pages.meter.puts, 'bytes of pages put': pages.bytesPut, 'bytes of cache': pipeline.readers.cached.bytes },
    skipped: meters.state.skipped,
  }
}

/** 30 days of events, one each 10 s, that are sent in requests of 500, five requests a second. */
function* backfill(): Generator<PostedRequest> {
  for (let n = 0; ; n++) {
    const made = START - 30 * DAY * 1000 + n * 5_000_000
    const [request] = deviceAt(5_000_000, 500, 1, made)
    if (request) yield { ...request, at: START + n * 200 }
  }
}

/** A device with an event a second whose clock says 1970: `seconds` after its start, which is each day. */
function* wrongClock(seconds: (at: number) => number): Generator<PostedRequest> {
  for (const request of deviceAt(1000, 1, 1, START)) {
    const [event] = JSON.parse(request.body) as { data: { timestamp: number } }[]
    if (!event) continue
    event.data.timestamp = seconds(request.at - START)
    yield { ...request, body: JSON.stringify([event]) }
  }
}

const wanted = process.argv.slice(2)
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name)
const rows: object[] = []
for (const mix of mixes.filter(({ name }) => isWanted(name))) rows.push(await compare(mix, prod))
if (rows.length > 0) print('Re-sent events, for a million events', rows)
if (isWanted('users')) {
  const few = { users: 1, fill: 1, measure: (30 * DAY) / 5000 / 5 }
  const history = { users: 1, fill: 1.5 * DAY, measure: 2 * 3600 }
  print('One user', [
    userRow('backfill of 30 days', await runShard(backfill(), prod, few, 1)),
    userRow('clock right', await runShard(deviceAt(1000, 1, 1, START), prod, history, 1, changes)),
    userRow(
      'clock starts in 1970 each day',
      await runShard(
        wrongClock(ms => Math.floor(ms / 1000) % DAY),
        prod,
        history,
        1,
        changes,
      ),
    ),
    userRow(
      'clock stands at 1970',
      await runShard(
        wrongClock(() => 0),
        prod,
        history,
        1,
        changes,
      ),
    ),
  ])
}
