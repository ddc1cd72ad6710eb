import { gunzipSync, gzipSync } from 'node:zlib'
import type { IngestRequest } from '../../../lambdas/ingest/ingest.ts'
import type { Case } from './cases.ts'
import { handle, telemetry } from './ingest.ts'

const MB = 2 ** 20
const GOOD = 100
const good = Array.from({ length: GOOD }, (_, n) => `{"type":"page_visit","id":"g${n}"}`)
const brackets = (bytes: number): string => `${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}`
const parsed = brackets(4_100_000)

const request = (body: Pick<IngestRequest, 'body' | 'isBase64Encoded'>, headers: Record<string, string>): IngestRequest => ({
  rawPath: '/v1/events',
  headers: { host: 'events.example.com', 'content-type': 'application/json', ...headers },
  ...body,
  requestContext: { http: { method: 'POST' }, domainName: 'events.example.com' },
})

/** With a key: everything beside the good events is looked at, and costs about what parsing as many brackets does. */
function withKey(name: string, body: string): Case {
  const sent = request({ body, isBase64Encoded: false }, { authorization: 'Bearer key' })
  return {
    name: `hostile: ${name}`,
    events: 1,
    product: async () => {
      const { statusCode } = await handle(sent, telemetry)
      if (statusCode !== 200) throw new Error('The good events were not accepted.')
    },
    plain: () => JSON.parse(parsed),
    goal: 3,
  }
}

/** Without a key, beside what it costs to decompress the body and parse it. */
function withoutKey(name: string, text: string): Case {
  const bytes = gzipSync(text)
  const sent = request({ body: bytes.toString('base64'), isBase64Encoded: true }, {})
  return {
    name: `hostile: without a key, ${name}`,
    events: 1,
    product: async () => {
      const { statusCode } = await handle(sent, telemetry)
      if (statusCode === 200) throw new Error('A body without a key was accepted.')
    },
    plain: () => {
      try {
        JSON.parse(gunzipSync(bytes).toString())
      } catch {
        // Not JSON, as most hostile bodies.
      }
    },
  }
}

export const hostileCases: readonly Case[] = [
  withKey('an array with closed brackets', `[${good},${brackets(4_100_000)}]`),
  withKey('an array with an event of closed brackets', `[${good},{"type":"page_visit","data":${brackets(4_100_000)}}]`),
  withKey('lines with closed brackets', [...good, brackets(4_100_000)].join('\n')),
  withKey('lines with open brackets', [...good, '['.repeat(4_100_000)].join('\n')),
  withKey('lines with open objects', [...good, '{"a":'.repeat(820_000)].join('\n')),
  withKey('an array with two million numbers', `[${good},{"type":"page_visit","data":[0${',0'.repeat(2_000_000)}]}]`),
  withoutKey('4 MB of open brackets', '['.repeat(4 * MB)),
  withoutKey('512 KB of open brackets in lines', '[\n'.repeat(MB / 4)),
  withoutKey('512 KB of open objects', '{"a":'.repeat(MB / 10)),
  withoutKey('512 KB of quotes', '"'.repeat(MB / 2)),
]
