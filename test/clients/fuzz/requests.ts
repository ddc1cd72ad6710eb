import { gzipSync } from 'node:zlib'
import type { Dice } from '../../../cli/simulators/simulator.ts'
import type { TestRequest } from '../../fakes/ingest.ts'
import { hostileJson } from './hostile-json.ts'

/** A request of the fuzzer, and what the response must respect. */
export interface Case {
  readonly path: string
  readonly posted: TestRequest
  /** Ids of its valid events. Undefined if its bytes were damaged. */
  readonly validIds: readonly string[] | undefined
  /** The key is above its rate limit. */
  readonly limited: boolean
  readonly store: 'up' | 'keys down' | 'stream down' | 'quarantine down'
}

const CALLS = ['track', 'page', 'screen', 'alias'] as const
const PATHS = [
  '/v1/events',
  '/v1/events/page_visit',
  '/v1/events/interaction',
  '/v1/batch',
  '/v1/b',
  '/beacon/v1/batch',
  '/v1/t',
  '/v1/i',
]

/** Generates the `n`-th request. */
export function dealCase(dice: Dice, n: number): Case {
  const path = dice.happens(60)
    ? dice.oneOf(['/v1/m', '/v1/events/nothing', '/nowhere', '/v1/events/__proto__'])
    : dice.oneOf(PATHS)
  const { text, validIds } = bodyFor(path, dice, n)
  const damage = dice.happens(6)
  const { posted, claimsCloudEvents } = credentials(dice)
  const whole = dice.happens(5) ? gzipSync(text) : Buffer.from(text)
  const bytes = damage ? damaged(whole, dice) : whole
  return {
    path,
    posted: { ...posted, body: dice.happens(3) || bytes !== whole || whole[0] === 0x1f ? bytes : bytes.toString() },
    validIds: damage || claimsCloudEvents ? undefined : validIds,
    limited: dice.happens(50),
    store: dice.oneOf(['up', 'up', 'up', 'up', 'up', 'up', 'up', dice.oneOf(['keys down', 'stream down', 'quarantine down'])]),
  }
}

interface GeneratedBody {
  readonly text: string
  readonly validIds: readonly string[]
}

/** Valid events among hostile elements, or hostile elements only. */
function bodyFor(path: string, dice: Dice, n: number): GeneratedBody {
  if (dice.happens(500)) return { text: `[${'0,'.repeat(2 ** 21)}0]`, validIds: [] }
  if (dice.happens(4)) return { text: hostileJson(dice), validIds: [] }
  const single = path === '/v1/t' || path === '/v1/i'
  const count = single ? 1 : dice.happens(100) ? dice.integer(2_000, 2_600) : dice.integer(1, 5)
  const ids = Array.from({ length: count }, (_, i) => `${n}-${i}`)
  const valid = ids.map(id => validEvent(path, id, dice))
  if (single) return { text: valid[0] ?? '', validIds: ids }
  const isBatch = !path.startsWith('/v1/events')
  const mixed = valid.flatMap(text => (dice.happens(3) ? [hostileJson(dice), text] : [text]))
  const validIds = ids.filter((_, i) => mixed.indexOf(valid[i] ?? '') < 2500)
  if (isBatch) return { text: `{"batch":[${mixed}],"sentAt":${hostileJson(dice, 9)}}`, validIds }
  return { text: dice.happens(2) ? `[${mixed}]` : `${mixed.join('\n')}\n`, validIds }
}

/** An event that must be accepted, with extra fields. */
function validEvent(path: string, id: string, dice: Dice): string {
  const quotedId = JSON.stringify(id)
  const extra = { note: dice.oneOf(['"\\u0000"', '"\u{1f600}"', '12345678901234567890', '{"__proto__":1}', '[[[1]]]']) }
  if (path === '/v1/events') return json({ type: '"signup"', id: quotedId, data: json(extra) })
  if (path === '/v1/events/page_visit') return json({ Id: '1', Url: '"/"', Timestamp: '5', event_id: quotedId, ...extra })
  if (path === '/v1/events/interaction') return json({ eventType: '"__proto__"', event_id: quotedId, ...extra })
  if (path === '/v1/t') return json({ event: '"A"', userId: '"u"', messageId: quotedId, properties: json(extra) })
  if (path === '/v1/i') return json({ userId: '"u"', messageId: quotedId, traits: json(extra) })
  return json({
    type: JSON.stringify(dice.oneOf(CALLS)),
    event: '"A"',
    anonymousId: '"a"',
    messageId: quotedId,
    context: json(extra),
  })
}

const json = (members: Readonly<Record<string, string>>): string =>
  `{${Object.entries(members).map(([name, text]) => `"${name}":${text}`)}}`

interface Credentials {
  readonly posted: Pick<TestRequest, 'headers' | 'query'>
  readonly claimsCloudEvents: boolean
}

function credentials(dice: Dice): Credentials {
  const plain = ['application/json', 'text/plain', 'application/x-ndjson', 'application/x-www-form-urlencoded', 'x']
  const claim = dice.oneOf([
    { 'content-type': 'application/cloudevents+json' },
    { 'content-type': 'application/cloudevents+avro' },
    { 'content-type': 'application/json', 'ce-id': '%', 'ce-type': 't' },
  ])
  const claimsCloudEvents = dice.happens(30)
  const headers = claimsCloudEvents ? claim : { 'content-type': dice.oneOf(plain) }
  const key = dice.happens(20) ? dice.oneOf(['reads', 'unknown', '']) : 'good'
  if (dice.happens(3)) return { posted: { headers, query: { writeKey: key } }, claimsCloudEvents }
  const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
  return { posted: { headers: { ...headers, authorization } }, claimsCloudEvents }
}

/** Bytes truncated, inserted or changed. */
function damaged(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.integer(0, Math.max(0, bytes.length - 1))
  const noise = Buffer.from(dice.oneOf(['\u0000', '{', ']', '"', '\\', '\n', '\ufeff', '1e']))
  return dice.oneOf([
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]),
    () => Buffer.concat([bytes.subarray(0, at), Buffer.from([dice.integer(0, 255)]), bytes.subarray(at + 1)]),
  ])()
}
