import type { Telemetry } from '../../lambdas/handler.ts'
import { type IngestDependencies, ingest } from '../../lambdas/ingest/ingest.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import type { Key } from '../../shared/keys.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { fromLines } from '../../shared/stream-record.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const silent: Telemetry = { count: () => {}, annotate: () => {} }

export const RECEIVED = 1_700_000_000_000

export interface Posted {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  /** Bytes come in base64, as from the gateway. */
  readonly body?: string | Uint8Array
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever the answer says
  readonly body: any
}

/** The real handler of ingest with stores in memory, which read back what the stream would carry. */
export function ingestInMemory(change: Partial<IngestDependencies> = {}) {
  const keys = new Map<string, Key>([
    ['good', { name: 'web', scope: 'write' }],
    ['other', { name: 'app', scope: 'write' }],
    ['reads', { name: 'reader', scope: 'read' }],
  ])
  const events: Event[] = []
  const quarantined: QuarantinedEvent[] = []
  let made = 0
  const handle = ingest({
    keys: { find: async key => keys.get(key) },
    quarantine: { add: async refused => void quarantined.push(...refused) },
    putRecords: async records => {
      for (const { data } of records) {
        const { events: read, unrecognised: unreadable } = fromLines(data, catalogue)
        if (unreadable.length > 0) throw new Error(`A line that no reader understands: ${unreadable[0]}`)
        events.push(...read)
      }
      return []
    },
    withinRateLimit: () => true,
    now: () => RECEIVED,
    newId: () => `made-${++made}`,
    ...change,
  })
  const request = async (path: string, { method = 'POST', headers = {}, query, body = '' }: Posted): Promise<Answered> => {
    const isBase64Encoded = typeof body !== 'string'
    const asked = {
      rawPath: path,
      headers: { host: 'events.example.com', ...headers },
      ...(query && { queryStringParameters: query }),
      body: isBase64Encoded ? Buffer.from(body).toString('base64') : body,
      isBase64Encoded,
      requestContext: { http: { method } },
    } as unknown as Parameters<typeof handle>[0]
    const { statusCode = 0, headers: given = {}, body: text } = await handle(asked, silent)
    return { status: statusCode, headers: given, body: text ? JSON.parse(text) : undefined }
  }
  return { request, events, quarantined }
}

export const withKey = { authorization: `Basic ${Buffer.from('good:').toString('base64')}` }
