// node test/bench/freshness.ts [SECONDS]: seconds from POST until the search API of the local cloud finds the document of a user and of a
// window, with the batches of prod, beside a load of 40 readings a second.

import { setTimeout } from 'node:timers/promises'
import { formatTable } from '../../cli/table.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { settingsFor } from '../../infra/settings.ts'
import type { Batch } from '../../infra/settings-types.ts'
import { whileBatching } from '../fixtures/stream-readers.ts'
import { percentiles } from './cost/percentiles.ts'

const PROBES = 8
/** Between two events of a probe, besides the time until the first is found. */
const PAUSE_MS = 3000
const POLL_MS = 250
const LOST_MS = 60_000
/** The functions start cold. */
const WARM_UP_MS = 20_000
const LOAD_EVERY_MS = 250
const LOAD_EVENTS = 10
const LOAD_DEVICES = 40
const seconds = Number(process.argv[2] ?? 180)
const run = Date.now()

const target = await findTarget(undefined)
const until = () => Date.now() < run + seconds * 1000

async function call(path: string, key: 'read' | 'write', body?: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${target.key(key)}`, 'content-type': 'application/json' }
  const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(new URL(path, target.apiUrl), init)
  if (!response.ok) throw new Error(`${path}: the local cloud responded with ${response.status}.`)
  return response.json()
}

const readingOf = (device: string, at: number, n: number) => ({
  ...{ type: 'reading', id: `${device}-${n}` },
  data: { device_id: device, device_type: 'boiler', timestamp: at / 1000, temperature: 20, event_duration: 1, status: 'ok' },
})

/** A probe of one kind of documents: the events that it sends, and how a search finds each. */
interface Probe {
  event(n: number): unknown
  search(n: number): string
  isFound(document: Readonly<Record<string, unknown>>, n: number): boolean
}

const visitor = (probe: number): Probe => {
  const id = run * 10 + probe
  return {
    event: n => ({ type: 'page_visit', id: `${id}-${n}`, data: { Id: id, Url: `/${n}`, Timestamp: n } }),
    search: () => `/v1/projections/recent-urls?key=${id}`,
    isFound: ({ last_5_urls: urls }, n) => (urls as string[]).includes(`/${n}`),
  }
}

/** Each reading is in a window of its own. */
const device = (probe: number): Probe => {
  const id = `fresh-${run}-${probe}`
  const minuteOf = (n: number) => Math.floor(run / 60_000) * 60_000 - n * 60_000
  const instant = (at: number) => encodeURIComponent(new Date(at).toISOString())
  return {
    event: n => readingOf(id, minuteOf(n), n),
    search: n => `/v1/projections/device-minutes?key=${id}&from=${instant(minuteOf(n))}&to=${instant(minuteOf(n) + 60_000)}`,
    isFound: () => true,
  }
}

/** Sends an event and waits until its document is found, again and again. Returns the milliseconds of those after the warm-up. */
async function measure({ event, search, isFound }: Probe): Promise<number[]> {
  const found: number[] = []
  await setTimeout(Math.random() * PAUSE_MS)
  for (let n = 0; until(); n++) {
    const posted = Date.now()
    await call('/v1/events', 'write', [event(n)])
    for (;;) {
      const { data } = (await call(search(n), 'read')) as { data: Readonly<Record<string, unknown>>[] }
      if (data.some(document => isFound(document, n))) break
      if (Date.now() - posted > LOST_MS) throw new Error(`No document within ${LOST_MS / 1000} s: ${search(n)}`)
      await setTimeout(POLL_MS)
    }
    if (posted > run + WARM_UP_MS) found.push(Date.now() - posted)
    await setTimeout(Math.random() * PAUSE_MS)
  }
  return found
}

async function load(): Promise<number> {
  let sent = 0
  for (let n = 0; until(); n++) {
    const next = run + n * LOAD_EVERY_MS
    await setTimeout(Math.max(0, next - Date.now()))
    const events = Array.from({ length: LOAD_EVENTS }, (_, i) =>
      readingOf(`load-${run}-${(n * LOAD_EVENTS + i) % LOAD_DEVICES}`, Date.now(), n),
    )
    await call('/v1/events', 'write', events)
    sent += events.length
  }
  return sent
}

/** Runs `work` while the readers of the local cloud have these batches. */
function withBatches(batches: readonly (readonly [construct: string, batch: Batch])[], work: () => Promise<void>): Promise<void> {
  const [first, ...others] = batches
  if (!first) return work()
  const [construct, { size, window }] = first
  const batching = { BatchSize: size, MaximumBatchingWindowInSeconds: window.toSeconds() }
  return whileBatching(target as Target, construct, batching, () => withBatches(others, work))
}

const { state, windows, search } = settingsFor('prod')
if (search === 'off') throw new Error('prod has no search.')
await withBatches(
  [
    ['StateFunction', state.batch],
    ['WindowsFunction', windows],
    ['SearchIndexDocuments', search.documents],
    ['SearchIndexEvents', search.rawEvents.batch],
  ],
  async () => {
    const probes = (of: (probe: number) => Probe) => Promise.all(Array.from({ length: PROBES }, (_, n) => measure(of(n))))
    const [users, ofWindows, sent] = await Promise.all([probes(visitor), probes(device), load()])
    const row = (documents: string, times: readonly number[]) => ({
      'documents of': documents,
      probes: times.length,
      ...percentiles(times),
    })
    console.log(`${sent} events in ${seconds} s beside the probes. Seconds until a search finds the document:`)
    console.log(
      formatTable([row('users', users.flat()), row('windows', ofWindows.flat())], ['documents of', 'probes', 'p50', 'p95']),
    )
  },
)
