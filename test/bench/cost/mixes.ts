import { seeded } from '../../fixtures/quota-load.ts'

/** A request to ingest. */
export interface PostedRequest {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly path: string
  readonly body: string
  readonly events: number
}

/** A load on a stage of 1,000 events a second. */
export interface Mix {
  readonly name: string
  readonly about: string
  readonly users: number
  /** Requests of these users alone, in the order of time, without an end. */
  requests(users: number, start: number): Generator<PostedRequest>
}

export const EVENTS_PER_SECOND = 1000
const EVENT_BYTES = 350
const TRAITS_BYTES = 1500
const IDENTIFY_SHARE = 0.05

type Fields = Readonly<Record<string, unknown>>

/** An event as JSON of about `bytes` bytes. */
function padded(bytes: number, make: (filler: string) => Fields): Fields {
  const missing = bytes - JSON.stringify(make('')).length
  return make('x'.repeat(Math.max(0, missing)))
}

/** What is always the same in the requests of a mix. */
interface Plan {
  /** Milliseconds between two requests of one sender. */
  readonly everyMs: number
  readonly path: string
  readonly senders: number
  /** The events of a request. */
  events(sender: number, at: number, random: () => number): Fields[]
  body(events: Fields[], at: number): unknown
}

function* requestsOf({ everyMs, path, senders, events, body }: Plan, start: number): Generator<PostedRequest> {
  const random = seeded(1)
  const phases = Array.from({ length: senders }, (_, sender) => ({ sender, phase: Math.floor(random() * everyMs) }))
  phases.sort((a, b) => a.phase - b.phase)
  if (phases.length === 0) throw new Error('The mix has fewer users than one sender sends for, so nothing would be sent.')
  for (let round = 0; ; round++)
    for (const { sender, phase } of phases) {
      const at = Math.round(start + round * everyMs + phase)
      const sent = events(sender, at, random)
      yield { at, path, body: JSON.stringify(body(sent, at)), events: sent.length }
    }
}

const asArray = (events: Fields[]): unknown => events

export const readingOf = (device: number, at: number, random: () => number): Fields =>
  padded(EVENT_BYTES, filler => ({
    type: 'reading',
    id: `${device}-${at}`,
    data: {
      device_id: `device-${String(device).padStart(6, '0')}`,
      device_type: 'boiler',
      timestamp: at / 1000,
      temperature: Math.round(random() * 400) / 10,
      event_duration: Math.round(random() * 200) / 10,
      status: 'ok',
      firmware: filler,
    },
  }))

/** One device that sends as many readings in one request as it makes meanwhile. */
export const deviceAt = (everyMs: number, perRequest: number, users: number, start: number): Generator<PostedRequest> =>
  requestsOf(
    {
      ...{ everyMs, path: '/v1/events', senders: users, body: asArray },
      events: (sender, at, random) => Array.from({ length: perRequest }, (_, i) => readingOf(sender, at + i, random)),
    },
    start,
  )

const DEVICES_PER_GATEWAY = 10

const gateway: Mix = {
  name: 'A',
  about: 'gateways: 1,000 devices with a reading a second each, 10 devices a request',
  users: 1000,
  requests: (users, start) =>
    requestsOf(
      {
        ...{ everyMs: 1000, path: '/v1/events', senders: users / DEVICES_PER_GATEWAY, body: asArray },
        events: (sender, at, random) =>
          Array.from({ length: DEVICES_PER_GATEWAY }, (_, i) => readingOf(sender * DEVICES_PER_GATEWAY + i, at, random)),
      },
      start,
    ),
}

const devices: Mix = {
  name: 'B',
  about: 'devices: 1,000 devices with a reading a second each, that send 10 readings every 10 s',
  users: 1000,
  requests: (users, start) =>
    requestsOf(
      {
        ...{ everyMs: 10_000, path: '/v1/events', senders: users, body: asArray },
        events: (sender, at, random) => Array.from({ length: 10 }, (_, i) => readingOf(sender, at - (9 - i) * 1000, random)),
      },
      start,
    ),
}

const visitOf = (user: number, at: number, n: number, random: () => number): Fields =>
  padded(EVENT_BYTES, filler => ({
    type: 'track',
    event: 'page_visit',
    userId: String(user),
    messageId: `ajs-next-${at}-${user}-${n}`,
    timestamp: new Date(at).toISOString(),
    properties: { Id: user, Url: `https://www.example.com/p/${Math.floor(random() * 1000)}`, Timestamp: Math.floor(at / 1000) },
    filler,
  }))

const identifyOf = (user: number, at: number): Fields =>
  padded(TRAITS_BYTES, filler => ({
    type: 'identify',
    userId: String(user),
    messageId: `ajs-next-${at}-${user}-i`,
    timestamp: new Date(at).toISOString(),
    traits: { email: `user${user}@example.com`, plan: 'pro', company: { name: 'Example', seats: 20 }, about: filler },
  }))

const web: Mix = {
  name: 'C',
  about: 'web: 100,000 users, page visits in batches of 3 of one user, 5 % of the events identify with 1.5 KB of traits',
  users: 100_000,
  requests: (users, start) =>
    requestsOf(
      {
        // Together 1,000 events a second, 3 a request.
        ...{ everyMs: (100_000 * 3 * 1000) / EVENTS_PER_SECOND, path: '/v1/batch', senders: users },
        events: (sender, at, random) =>
          Array.from({ length: 3 }, (_, i) =>
            random() < IDENTIFY_SHARE ? identifyOf(sender, at - i) : visitOf(sender, at - i * 1000, i, random),
          ),
        body: (batch, at) => ({ batch, sentAt: new Date(at).toISOString() }),
      },
      start,
    ),
}

const USERS_PER_BACKEND_REQUEST = 20

const actionOf = (user: number, at: number, random: () => number): Fields =>
  padded(EVENT_BYTES, filler => ({
    type: 'app_action',
    id: `${user}-${at}-${Math.floor(random() * 1e9)}`,
    data: {
      user_id: user,
      app_name: `product_${1 + Math.floor(random() * 3)}`,
      event_action: ['click', 'scroll', 'open', 'share', 'buy'][Math.floor(random() * 5)],
      event_category: `category_${1 + Math.floor(random() * 3)}`,
      event_value: Math.floor(random() * 100),
      event_time: new Date(at).toISOString().slice(0, 19).replace('T', ' '),
      detail: filler,
    },
  }))

const backend: Mix = {
  name: 'D',
  about: 'backend: actions of 1,000,000 users, 20 users a request',
  users: 1_000_000,
  requests: (users, start) =>
    requestsOf(
      {
        ...{ everyMs: (USERS_PER_BACKEND_REQUEST * 1_000_000 * 1000) / users / EVENTS_PER_SECOND },
        ...{ path: '/v1/events', senders: 1, body: asArray },
        events: (_sender, at, random) =>
          distinct(USERS_PER_BACKEND_REQUEST, users, random).map(user => actionOf(user, at, random)),
      },
      start,
    ),
}

/** Some of the users, none twice: of a million, hardly one is in a request twice. */
function distinct(count: number, users: number, random: () => number): number[] {
  const chosen = new Set<number>()
  while (chosen.size < count) chosen.add(Math.floor(random() * users))
  return [...chosen]
}

export const mixes: readonly Mix[] = [gateway, devices, web, backend]
