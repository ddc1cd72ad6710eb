import { type IngestRequest, ingest } from '../../../lambdas/ingest/ingest.ts'
import { aKey, noQuotas } from '../../fixtures/keys.ts'
import type { Case } from './cases.ts'
import { START } from './fold.ts'

const key = aKey()
export const telemetry = { count: () => {}, annotate: () => {} }
export const handle = ingest({
  keys: { find: async () => key },
  quarantine: { add: async () => {} },
  putRecords: async () => ({ positions: [], refused: [] }),
  withinRateLimit: () => true,
  quotas: noQuotas,
  signedTraits: false,
  now: () => START * 1000,
  newId: () => crypto.randomUUID(),
})

const envelope = (n: number) => ({
  id: `reading-${n}`,
  type: 'reading',
  time: '2026-09-21T14:13:20.250Z',
  data: {
    device_id: `device-${n}`,
    device_type: 'pump',
    timestamp: START,
    temperature: 21.5 + n,
    event_duration: 3.25,
    status: 'ok',
  },
})

/** A call as the Node SDK of Segment sends it. */
const call = (n: number) => ({
  timestamp: '2026-09-21T14:13:20.250Z',
  integrations: {},
  type: 'track',
  userId: `user-${n}`,
  event: 'order_completed',
  properties: {
    order_id: `order-${n}`,
    total: 25.5 + n,
    currency: 'EUR',
    products: [{ sku: `sku-${n}`, quantity: 2, price: 12.75 }],
  },
  context: { library: { name: '@segment/analytics-node', version: '3.1.0' }, ip: '203.0.113.7', locale: 'de-DE' },
  messageId: `node-next-1790000000250-3f2a1c9e-7a55-4a53-9d0c-${String(n).padStart(12, '0')}`,
  _metadata: { nodeVersion: '24.21.0', jsRuntime: 'node' },
})

export const withKey = { authorization: 'Bearer key' }

/** A POST of a text, or of bytes in base64 as API Gateway passes them on. */
export const postOf = (path: string, body: string | Buffer, headers: IngestRequest['headers']): IngestRequest => ({
  rawPath: path,
  headers: { host: 'events.example.com', 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : body.toString('base64'),
  isBase64Encoded: typeof body !== 'string',
  requestContext: { http: { method: 'POST' }, domainName: 'events.example.com' },
})

/** Handles a request. Throws if another number of its events is accepted. */
export async function accept(request: IngestRequest, events: number): Promise<void> {
  const { statusCode, body } = await handle(request, telemetry)
  if (statusCode !== 200 || !body?.includes(`"accepted":${events},`)) throw new Error('Not all events were accepted.')
}

function ingestCase(name: string, path: string, events: number, value: unknown): Case {
  const body = JSON.stringify(value)
  const request = postOf(path, body, withKey)
  return {
    name: `ingest: ${name}`,
    events,
    product: () => accept(request, events),
    plain: () => JSON.stringify(JSON.parse(body)),
    goal: 4,
  }
}

const list = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))

export const ingestCases: readonly Case[] = [
  ingestCase('1 event', '/v1/events', 1, envelope(1)),
  ingestCase('10 events', '/v1/events', 10, list(10, envelope)),
  ingestCase('a Segment batch of 20', '/v1/batch', 20, {
    batch: list(20, call),
    sentAt: '2026-09-21T14:13:21.000Z',
  }),
]
