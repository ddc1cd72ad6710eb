import { seeded } from '../../fixtures/quota-load.ts'
import type { PostedRequest } from './mixes.ts'

type Fields = Readonly<Record<string, unknown>>

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const QUEUED_SHARE = 0.02
const RESENT_SHARE = 0.01
const RESENT_AFTER = { least: 20 * MINUTE_MS, most: 6 * DAY_MS } as const
const MAX_QUEUE_REQUEST = 500

/** How many events were sent again since a time. */
export interface Resends {
  readonly since: number
  count: number
}

/** The same events, but 2 % wait in a queue that is sent once a day, and 1 % are sent again after 20 minutes to 6 days. */
export function* withResends(requests: Generator<PostedRequest>, resends: Resends): Generator<PostedRequest> {
  const random = seeded(11)
  const again: { readonly at: number; readonly event: Fields; readonly path: string }[] = []
  let queue: Fields[] = []
  let flushAt: number | undefined
  for (const request of requests) {
    flushAt ??= request.at + random() * DAY_MS
    while (again[0] && again[0].at < request.at) {
      const { at, event, path } = again.shift() as (typeof again)[number]
      if (at >= resends.since) resends.count += 1
      yield requestOf([event], path, at)
    }
    if (flushAt < request.at) {
      for (let from = 0; from < queue.length; from += MAX_QUEUE_REQUEST)
        yield requestOf(queue.slice(from, from + MAX_QUEUE_REQUEST), request.path, request.at)
      queue = []
      flushAt += DAY_MS
    }
    const sent = eventsOf(request)
    const queued = sent.filter(() => random() < QUEUED_SHARE)
    queue.push(...queued)
    const online = sent.filter(event => !queued.includes(event))
    for (const event of online)
      if (random() < RESENT_SHARE) {
        const at = request.at + Math.round(RESENT_AFTER.least + random() * (RESENT_AFTER.most - RESENT_AFTER.least))
        insert(again, { at, event, path: request.path })
      }
    if (online.length > 0) yield requestOf(online, request.path, request.at)
  }
}

function insert<T extends { readonly at: number }>(sorted: T[], added: T): void {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle]?.at ?? 0) < added.at) low = middle + 1
    else high = middle
  }
  sorted.splice(low, 0, added)
}

const isBatch = (path: string): boolean => path === '/v1/batch'

function eventsOf({ path, body }: PostedRequest): Fields[] {
  const parsed: unknown = JSON.parse(body)
  return isBatch(path) ? (parsed as { batch: Fields[] }).batch : (parsed as Fields[])
}

const requestOf = (events: readonly Fields[], path: string, at: number): PostedRequest => ({
  ...{ at, path, events: events.length },
  body: JSON.stringify(isBatch(path) ? { batch: events, sentAt: new Date(at).toISOString() } : events),
})
