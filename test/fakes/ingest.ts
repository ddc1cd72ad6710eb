import type { Telemetry } from '../../lambdas/handler.ts'
import type { IngestDependencies } from '../../lambdas/ingest/accept-events.ts'
import { ingest } from '../../lambdas/ingest/ingest.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Dialect } from '../../shared/dialect.ts'
import { dialects } from '../../shared/dialects.ts'
import type { Event } from '../../shared/event.ts'
import type { Key } from '../../shared/keys.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { aKey, noQuotas } from '../fixtures/keys.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))

export const RECEIVED = 1_700_000_000_000

export interface TestRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  /** Bytes are passed on in base64, as API Gateway does. */
  readonly body?: string | Uint8Array
}

export interface TestResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field of a response
  readonly body: any
}

/** The real ingest handler with stores in memory. `events` are read back from the stream's records. */
export function ingestInMemory(change: Partial<IngestDependencies> = {}, known: readonly Dialect[] = dialects) {
  const keys = new Map<string, Key>([
    ['good', aKey()],
    ['other', aKey({ name: 'app' })],
    ['reads', aKey({ name: 'reader', scope: 'read' })],
    ['rules', aKey({ name: 'operator', scope: 'admin' })],
  ])
  const events: Event[] = []
  const quarantined: QuarantinedEvent[] = []
  const counts: Record<string, number> = {}
  const annotations: Record<string, unknown> = {}
  const telemetry: Telemetry = {
    count: (metric, value) => {
      if (value > 0) counts[metric] = (counts[metric] ?? 0) + value
    },
    annotate: (name, value) => {
      annotations[name] = value
    },
  }
  let created = 0
  const handle = ingest(
    {
      keys: { find: async key => keys.get(key) },
      quarantine: { add: async events => void quarantined.push(...events) },
      putRecords: async records => {
        for (const { data } of records) {
          const { events: read, unrecognised } = fromLines(data, catalogue)
          if (unrecognised.length > 0) throw new Error(`A line that no reader understands: ${unrecognised[0]?.line}`)
          events.push(...read)
        }
        return { positions: [], refused: [] }
      },
      withinRateLimit: () => true,
      quotas: noQuotas,
      signedTraits: false,
      now: () => RECEIVED,
      newId: () => `made-${++created}`,
      ...change,
    },
    known,
  )
  /** The response as Lambda gets it. */
  const respond = (path: string, { method = 'POST', headers = {}, query, body = '' }: TestRequest) => {
    const isBase64Encoded = typeof body !== 'string'
    const event = {
      rawPath: path,
      headers: { host: 'events.example.com', ...headers },
      ...(query && { queryStringParameters: query }),
      body: isBase64Encoded ? Buffer.from(body).toString('base64') : body,
      isBase64Encoded,
      requestContext: { http: { method }, domainName: 'events.example.com' },
    }
    return handle(event, telemetry)
  }
  const request = async (path: string, posted: TestRequest): Promise<TestResponse> => {
    const { statusCode = 0, headers: given = {}, body: text } = await respond(path, posted)
    return { status: statusCode, headers: given, body: text ? JSON.parse(text) : undefined }
  }
  return { request, respond, events, quarantined, counts, annotations }
}

export const withKey = { authorization: `Basic ${Buffer.from('good:').toString('base64')}` }
