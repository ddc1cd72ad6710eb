import { gzipSync } from 'node:zlib'
import type { Dice } from '../../../cli/simulators/simulator.ts'
import type { TestRequest } from '../../fakes/ingest.ts'
import { hostileJson, notUtf8, oddNames, withBadBytes } from './hostile-json.ts'

/** A request of the fuzzer, and what the response must respect. */
export interface Case {
  readonly path: string
  readonly posted: TestRequest
  /** Ids of its valid events. Undefined if its bytes were damaged. */
  readonly validIds: readonly string[] | undefined
  /** How many elements its body has. Undefined if it is not known. */
  readonly elements: number | undefined
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

const OTHER_PATHS = ['/v1/m', '/v1/events/nothing', '/nowhere', '/v1/events/__proto__']

/** The path of rows of a type with an odd name. No such type is catalogued. */
const oddTypePath = (dice: Dice): string => `/v1/events/${encodeURIComponent(dice.oneOf(oddNames))}`

/** Generates the `n`-th request. */
export function dealCase(dice: Dice, n: number): Case {
  const path = dice.happens(60) ? dice.oneOf([...OTHER_PATHS, oddTypePath(dice)]) : dice.oneOf(PATHS)
  const { text, validIds, elements } = bodyFor(path, dice, n)
  const damage = dice.happens(6)
  const { posted, claimsCloudEvents } = credentials(dice)
  const plain = withBadBytes(text, dice)
  const isText = plain.equals(Buffer.from(text))
  const whole = dice.happens(5) ? gzipSync(plain) : plain
  const bytes = damage ? damaged(whole, dice) : whole
  return {
    path,
    posted: { ...posted, body: dice.happens(3) || !isText || bytes !== whole || whole[0] === 0x1f ? bytes : bytes.toString() },
    validIds: damage || claimsCloudEvents ? undefined : validIds,
    elements: damage || claimsCloudEvents || path === '/v1/m' ? undefined : elements,
    limited: dice.happens(50),
    store: dice.oneOf(['up', 'up', 'up', 'up', 'up', 'up', 'up', dice.oneOf(['keys down', 'stream down', 'quarantine down'])]),
  }
}

interface GeneratedBody {
  readonly text: string
  readonly validIds: readonly string[]
  readonly elements: number | undefined
}

/** Valid events among hostile elements, or hostile elements only. */
function bodyFor(path: string, dice: Dice, n: number): GeneratedBody {
  if (dice.happens(500)) return { text: `[${'0,'.repeat(2 ** 21)}0]`, validIds: [], elements: undefined }
  if (dice.happens(4)) return { text: dice.happens(4) ? notUtf8(dice) : hostileJson(dice), validIds: [], elements: undefined }
  const single = path === '/v1/t' || path === '/v1/i'
  const count = single ? 1 : dice.happens(100) ? dice.integer(2_000, 2_600) : dice.integer(1, 5)
  const ids = Array.from({ length: count }, (_, i) => `${n}-${i}`)
  const valid = ids.map(id => validEvent(path, id, dice))
  if (single) return { text: valid[0] ?? '', validIds: ids, elements: 1 }
  const isBatch = !path.startsWith('/v1/events')
  const mixed = valid.flatMap(text => (dice.happens(3) ? [hostileElement(dice), text] : [text]))
  const elements = mixed.length
  const validIds = ids.filter((_, i) => mixed.indexOf(valid[i] ?? '') < 2500)
  if (isBatch) return { text: `{"batch":[${mixed}],"sentAt":${hostileJson(dice, 9)}}`, validIds, elements }
  return { text: dice.happens(2) ? `[${mixed}]` : `${mixed.join('\n')}\n`, validIds, elements }
}

function hostileElement(dice: Dice): string {
  if (dice.happens(100)) return tooLarge(dice)
  return dice.happens(4) ? notUtf8(dice) : hostileJson(dice)
}

/** An envelope and a call whose data is larger than an event may be. */
function tooLarge(dice: Dice): string {
  const text = json({ pad: `"${'x'.repeat(dice.integer(33_000, 70_000))}"` })
  return json({ type: '"track"', event: '"A"', userId: '"u"', data: text, properties: text })
}

/** An event that must be accepted, with odd names and extra fields. */
function validEvent(path: string, id: string, dice: Dice): string {
  const quotedId = JSON.stringify(id)
  const extra = { note: dice.oneOf(['"\\u0000"', '"\u{1f600}"', '12345678901234567890', '{"__proto__":1}', '[[[1]]]']) }
  if (path === '/v1/events')
    return json({ type: oddName(dice), id: quotedId, subject: oddName(dice), source: oddName(dice), data: json(extra) })
  if (path === '/v1/events/page_visit') return json({ Id: '1', Url: '"/"', Timestamp: '5', event_id: quotedId, ...extra })
  if (path === '/v1/events/interaction') return json({ eventType: '"__proto__"', event_id: quotedId, ...extra })
  if (path === '/v1/t') return json({ event: oddName(dice), userId: oddName(dice), messageId: quotedId, properties: json(extra) })
  if (path === '/v1/i') return json({ userId: '"u"', messageId: quotedId, traits: json(extra) })
  return json({
    type: JSON.stringify(dice.oneOf(CALLS)),
    event: oddName(dice),
    anonymousId: oddName(dice),
    messageId: quotedId,
    context: json(extra),
  })
}

const oddName = (dice: Dice): string => JSON.stringify(dice.oneOf(oddNames))

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
