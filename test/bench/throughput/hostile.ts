import { gunzipSync, gzipSync } from 'node:zlib'
import type { Case } from './cases.ts'
import { accept, handle, postOf, telemetry, withKey } from './ingest.ts'

const MB = 2 ** 20
const GOOD = 100
const good = Array.from({ length: GOOD }, (_, n) => `{"type":"signup","id":"g${n}"}`)
const brackets = (bytes: number): string => `${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}`
const parsed = brackets(4_100_000)

/** With a key: everything beside the good events is looked at, and costs about what parsing as many brackets does. */
function keyedCase(name: string, body: string): Case {
  const request = postOf('/v1/events', body, withKey)
  return {
    name: `hostile: ${name}`,
    events: 1,
    product: () => accept(request, GOOD),
    plain: () => JSON.parse(parsed),
    goal: 3,
  }
}

/** Without a key, beside what it costs to decompress the body and parse it. */
function keylessCase(name: string, text: string): Case {
  const bytes = gzipSync(text)
  const request = postOf('/v1/events', bytes, {})
  return {
    name: `hostile: without a key, ${name}`,
    events: 1,
    product: async () => {
      const { statusCode } = await handle(request, telemetry)
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
  keyedCase('an array with closed brackets', `[${good},${brackets(4_100_000)}]`),
  keyedCase('an array with an event of closed brackets', `[${good},{"type":"signup","data":${brackets(4_100_000)}}]`),
  keyedCase('lines with closed brackets', [...good, brackets(4_100_000)].join('\n')),
  keyedCase('lines with open brackets', [...good, '['.repeat(4_100_000)].join('\n')),
  keyedCase('lines with open objects', [...good, '{"a":'.repeat(820_000)].join('\n')),
  keyedCase('an array with two million numbers', `[${good},{"type":"signup","data":[0${',0'.repeat(2_000_000)}]}]`),
  keylessCase('4 MB of open brackets', '['.repeat(4 * MB)),
  keylessCase('512 KB of open brackets in lines', '[\n'.repeat(MB / 4)),
  keylessCase('512 KB of open objects', '{"a":'.repeat(MB / 10)),
  keylessCase('512 KB of quotes', '"'.repeat(MB / 2)),
]
