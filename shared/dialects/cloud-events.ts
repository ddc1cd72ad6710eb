import {
  type Body,
  type DecodedElement,
  type Dialect,
  type DialectRequest,
  type Element,
  freeName,
  withoutKey,
} from '../dialect.ts'
import type { Envelope } from '../envelope.ts'
import { jsonType, typeProblem } from '../field-problem.ts'
import type { Headers } from '../http.ts'
import { isObject, type JsonObject } from '../json.ts'
import { parseShallow, withExactIntegersOf } from '../json-depth.ts'
import { describeJsonError } from '../json-error.ts'
import { isRejection, type Rejection, reject } from '../rejections.ts'
import { instantProblem } from '../time.ts'

const MEDIA_TYPE = 'application/cloudevents'
const PREFIX = 'ce-'

/**
 * CloudEvents in JSON, in structured or binary mode. Headers say so, or else `specversion` in any element. One invalid event
 * rejects the whole body, as the specification demands.
 */
export const cloudEvents = {
  name: 'cloud-events',
  routes: {
    'POST /v1/events': { serves: 'events', about: 'CloudEvents in JSON: structured, as a batch, or binary.' },
  },
  claims: request => claimedMode(request.headers) !== undefined || hasSpecVersion(request.body.elements()),
  read: request => {
    const mode = claimedMode(request.headers)
    if (mode === 'unsupported') return reject('unsupported_format')
    return mode === 'binary' ? readBinary(request) : request.body.elements()
  },
  decode: decodeEvents,
  /** Web hooks ask for permission before they deliver events. */
  preflight: headers => {
    const origin = headers['webhook-request-origin']
    return origin ? { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' } : {}
  },
} as const satisfies Dialect

/**
 * The mode in which the headers say that the body holds CloudEvents; `unsupported` is a format other than JSON. Undefined
 * without CloudEvents.
 */
function claimedMode(headers: Headers): 'structured' | 'binary' | 'unsupported' | undefined {
  const type = mediaType(headers['content-type'])
  if (type.startsWith(MEDIA_TYPE)) return /^application\/cloudevents(-batch)?\+json$/.test(type) ? 'structured' : 'unsupported'
  return Object.keys(headers).some(name => name.startsWith(PREFIX)) ? 'binary' : undefined
}

const mediaType = (contentType = ''): string => (contentType.split(';')[0] ?? '').trim().toLowerCase()

/** Whether any element has `specversion`, which marks it as a CloudEvent without any header. */
const hasSpecVersion = (body: Body | Rejection): boolean =>
  !isRejection(body) && body.elements.some(({ value }) => isObject(value) && Object.hasOwn(value, 'specversion'))

function readBinary({ headers, body }: DialectRequest): Body | Rejection {
  const bytes = body.bytes()
  if (isRejection(bytes)) return bytes
  const element = fromBinary(headers, bytes)
  return isRejection(element) ? element : { elements: [element], writeKeys: [] }
}

function decodeEvents({ elements }: Body): readonly DecodedElement[] | Rejection {
  for (const { index, value } of elements) {
    const problem = value === undefined ? undefined : problemOf(value)
    if (problem) return reject('invalid_event', `CloudEvent ${index}: ${problem}`)
  }
  return elements.map(({ index, value, text }) =>
    isObject(value)
      ? { index, text: withoutKey(text, value['writeKey']), envelope: envelopeOf(value) }
      : { index, text, envelope: undefined },
  )
}

const REQUIRED = ['id', 'source', 'type', 'specversion'] as const
const OPTIONAL = ['subject', 'datacontenttype', 'dataschema', 'time'] as const
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function problemOf(event: unknown): string | undefined {
  if (!isObject(event)) return `the event must be a JSON object, not ${jsonType(event)}.`
  const missing = REQUIRED.find(name => !isText(event[name]))
  if (missing) return textProblem(event, missing)
  if (event['specversion'] !== '1.0') return 'specversion must be "1.0".'
  const invalid = OPTIONAL.find(name => event[name] != null && !isText(event[name]))
  if (invalid) return textProblem(event, invalid)
  const time = isText(event['time']) ? instantProblem(event['time']) : undefined
  if (time) return `time ${time}`
  const base64 = event['data_base64']
  if (base64 == null) return undefined
  if (event['data'] != null) return 'the event must not have both data and data_base64.'
  return typeof base64 === 'string' && BASE64.test(base64) ? undefined : 'data_base64 must be valid base64.'
}

const textProblem = (event: JsonObject, name: string): string =>
  event[name] === '' ? `${name} must be a non-empty string.` : typeProblem(event, name, 'a non-empty string')

/** CloudEvents attributes have the same names as the fields of an envelope. */
function envelopeOf(event: JsonObject): Envelope {
  const { id, source, type, subject, time, specversion, data, data_base64, ...extensions } = event
  return { id, source, type, subject, time, data: withExtensions(dataOf(event), extensionsOf(extensions)) }
}

/** The data; JSON in base64 is decoded, other bytes stay base64 in a field `data_base64`. */
function dataOf({ data, data_base64: base64, datacontenttype }: JsonObject): unknown {
  if (typeof base64 !== 'string') return data
  const text = decodeUtf8(Buffer.from(base64, 'base64')) ?? ''
  const json = isJsonType(datacontenttype) ? withExactIntegersOf(parseShallow(text), text) : undefined
  return json === undefined ? { data_base64: base64 } : json
}

/** The extension attributes, without the write key, and with the content type unless it is JSON. */
function extensionsOf({ datacontenttype, writeKey, ...extensions }: JsonObject): JsonObject {
  const stated = Object.entries(extensions).filter(([, value]) => value != null)
  const type = datacontenttype == null || isJsonType(datacontenttype) ? [] : [['datacontenttype', datacontenttype]]
  return Object.fromEntries([...stated, ...type])
}

/** Adds the extensions to the fields of `data`. Data that is not an object becomes the field `value`. */
function withExtensions(data: unknown, extensions: JsonObject): unknown {
  if (Object.keys(extensions).length === 0) return data
  const fields = isObject(data) ? data : data == null ? {} : { value: data }
  return { ...fields, [freeName(fields, 'ce_extensions')]: extensions }
}

const isJsonType = (type: unknown): boolean => typeof type === 'string' && /^[^/]+\/([^;]+\+)?json$/.test(mediaType(type))

/** Undefined if the bytes are not UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * The event of a request in binary mode, as an element in structured form: its attributes are the `ce-` headers, its data the
 * body.
 */
function fromBinary(headers: Headers, bytes: Uint8Array): Element | Rejection {
  const contentType = headers['content-type']
  const attributes = { ...headerAttributes(headers), ...(contentType && { datacontenttype: contentType }) }
  if (bytes.length === 0) return { index: 0, value: attributes, text: JSON.stringify(attributes) }
  const data = binaryData(contentType, bytes)
  if (!data)
    return reject(
      'malformed_json',
      `The content type is JSON, but the body is not${placeOf(bytes)}. Send JSON, or the right content type.`,
    )
  const { name, value, text } = data
  // The data as sent, because JSON.stringify fails on data that is nested too deeply.
  const elementText = `${JSON.stringify(attributes).slice(0, -1)},"${name}":${text}}`
  return { index: 0, value: { ...attributes, [name]: value }, text: elementText }
}

/** Where bytes stop being JSON. */
function placeOf(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes)
  return text === undefined ? ': it is not UTF-8' : `, at ${describeJsonError(text)}`
}

/** The attributes in the `ce-` headers. */
const headerAttributes = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, value = '']) => [name.slice(PREFIX.length), decodeHeader(value)]),
  )

interface BinaryData {
  readonly name: 'data' | 'data_base64'
  readonly value: unknown
  /** The value as JSON text. */
  readonly text: string
}

/**
 * The body as JSON, text or base64; undefined if the content type is JSON and the body is not. Without a content type, JSON is
 * tried first.
 */
function binaryData(contentType: string | undefined, bytes: Uint8Array): BinaryData | undefined {
  const isJson = contentType === undefined || isJsonType(contentType)
  const text = decodeUtf8(bytes)
  const value = isJson && text !== undefined ? withExactIntegersOf(parseShallow(text), text) : undefined
  if (text !== undefined && value !== undefined) return { name: 'data', value, text }
  if (isJson && contentType !== undefined) return undefined
  if (contentType?.startsWith('text/') && text !== undefined) return { name: 'data', value: text, text: JSON.stringify(text) }
  const base64 = Buffer.from(bytes).toString('base64')
  return { name: 'data_base64', value: base64, text: JSON.stringify(base64) }
}

/** Decodes a header as the HTTP binding of CloudEvents defines it: optional quotes, and percent-encoded UTF-8. */
function decodeHeader(text: string): string {
  const [, quoted] = /^"(.*)"$/s.exec(text) ?? []
  const unquoted = quoted === undefined ? text : quoted.replace(/\\(.)/gs, '$1')
  return unquoted.replace(/(?:%[0-9a-f]{2})+/gi, escaped => {
    try {
      return decodeURIComponent(escaped)
    } catch {
      return escaped
    }
  })
}
