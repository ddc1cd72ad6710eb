import type { Envelope } from '../acceptance.ts'
import type { Dialect, Element } from '../dialect.ts'
import type { Headers } from '../http.ts'
import { isObject } from '../json.ts'

import { type Rejection, reject } from '../rejections.ts'
import { parseInstant } from '../time.ts'

type Attributes = Readonly<Record<string, unknown>>

const MEDIA_TYPE = 'application/cloudevents'
const PREFIX = 'ce-'

/** How headers claim to carry CloudEvents; `unsupported`: in a format that is not JSON. */
export function claimedMode(headers: Headers): 'structured' | 'binary' | 'unsupported' | undefined {
  const type = mediaType(headers['content-type'])
  if (type.startsWith(MEDIA_TYPE)) return /^application\/cloudevents(-batch)?\+json$/.test(type) ? 'structured' : 'unsupported'
  return Object.keys(headers).some(name => name.startsWith(PREFIX)) ? 'binary' : undefined
}

const mediaType = (contentType = ''): string => (contentType.split(';')[0] ?? '').trim().toLowerCase()

/** Whether a body claims to hold CloudEvents by itself. */
export const hasSpecVersion = (elements: readonly Element[]): boolean =>
  elements.some(({ value }) => isObject(value) && Object.hasOwn(value, 'specversion'))

/** Elements are CloudEvents in JSON; one that breaks the rules refuses the whole body, as the specification wants it. */
export const cloudEvents: Dialect = ({ elements }) => {
  for (const { index, value } of elements) {
    const problem = value === undefined ? undefined : problemOf(value)
    if (problem) return reject('invalid_event', `CloudEvent ${index}: ${problem}`)
  }
  return elements.map(({ index, value, text }) => ({ index, text, envelope: isObject(value) ? envelopeOf(value) : undefined }))
}

const REQUIRED = ['id', 'source', 'type', 'specversion'] as const
const OPTIONAL = ['subject', 'datacontenttype', 'dataschema', 'time'] as const
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function problemOf(event: unknown): string | undefined {
  if (!isObject(event)) return 'it must be a JSON object.'
  const missing = REQUIRED.find(name => !isText(event[name]))
  if (missing) return `${missing} must be a string with at least one character.`
  if (event['specversion'] !== '1.0') return 'specversion must be 1.0.'
  const wrong = OPTIONAL.find(name => event[name] != null && !isText(event[name]))
  if (wrong) return `${wrong} must be a string with at least one character, or be left out.`
  if (isText(event['time']) && parseInstant(event['time']) === undefined) return 'time must be RFC 3339.'
  const base64 = event['data_base64']
  if (base64 == null) return undefined
  if (event['data'] != null) return 'it must not have both data and data_base64.'
  return typeof base64 === 'string' && BASE64.test(base64) ? undefined : 'data_base64 must be base64.'
}

/** The attributes are the envelope's own. */
function envelopeOf(event: Attributes): Envelope {
  const { id, source, type, subject, time, specversion, data, data_base64, ...extensions } = event
  return { id, source, type, subject, time, data: withExtensions(dataOf(event), extensionsOf(extensions)) }
}

/** JSON in base64 is JSON; other bytes stay base64, under a name that says so. */
function dataOf({ data, data_base64: base64, datacontenttype }: Attributes): unknown {
  if (typeof base64 !== 'string') return data
  const json = isJsonType(datacontenttype) ? parsed(decoded(Buffer.from(base64, 'base64')) ?? '') : undefined
  return json === undefined ? { data_base64: base64 } : json
}

/** What else the event says, but for the content type that every event has here. */
function extensionsOf({ datacontenttype, writeKey, ...extensions }: Attributes): Attributes {
  const known = Object.entries(extensions).filter(([, value]) => value != null)
  const type = datacontenttype == null || isJsonType(datacontenttype) ? [] : [['datacontenttype', datacontenttype]]
  return Object.fromEntries([...known, ...type])
}

/** Extensions stand beside the fields of `data`; data that is no object becomes the field `value` of one. */
function withExtensions(data: unknown, extensions: Attributes): unknown {
  if (Object.keys(extensions).length === 0) return data
  const fields = isObject(data) ? data : data == null ? {} : { value: data }
  return { ...fields, ce_extensions: extensions }
}

const isJsonType = (type: unknown): boolean => typeof type === 'string' && /^[^/]+\/([^;]+\+)?json$/.test(mediaType(type))

/** Undefined where the bytes are not UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Undefined where the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One event whose attributes are the `ce-` headers and whose data is the body, in the structured form. */
export function fromBinary(headers: Headers, bytes: Uint8Array): Element | Rejection {
  const contentType = headers['content-type']
  const attributes = {
    ...Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => name.startsWith(PREFIX))
        .map(([name, value = '']) => [name.slice(PREFIX.length), headerValue(value)]),
    ),
    ...(contentType && { datacontenttype: contentType }),
  }
  if (bytes.length === 0) return { index: 0, value: attributes, text: JSON.stringify(attributes) }
  const data = binaryData(contentType, bytes)
  if (!data) return reject('malformed_json', 'The body is not the JSON that its content type promises.')
  const { name, value, text } = data
  // The data as sent: it may be nested too deeply to be written anew.
  const whole = `${JSON.stringify(attributes).slice(0, -1)},"${name}":${text}}`
  return { index: 0, value: { ...attributes, [name]: value }, text: whole }
}

interface Data {
  readonly name: 'data' | 'data_base64'
  readonly value: unknown
  /** The value in JSON. */
  readonly text: string
}

/** JSON, text, or any bytes; undefined where the content type promises JSON and the bytes are none. */
function binaryData(contentType: string | undefined, bytes: Uint8Array): Data | undefined {
  const isJson = contentType === undefined || isJsonType(contentType)
  const text = decoded(bytes)
  const value = isJson && text !== undefined ? parsed(text) : undefined
  if (text !== undefined && value !== undefined) return { name: 'data', value, text }
  if (isJson && contentType !== undefined) return undefined
  const plain = contentType?.startsWith('text/') && text !== undefined ? text : undefined
  if (plain !== undefined) return { name: 'data', value: plain, text: JSON.stringify(plain) }
  const base64 = Buffer.from(bytes).toString('base64')
  return { name: 'data_base64', value: base64, text: JSON.stringify(base64) }
}

/** As the HTTP binding writes attributes: perhaps in quotes, and percent-encoded UTF-8. */
function headerValue(text: string): string {
  const [, quoted] = /^"(.*)"$/s.exec(text) ?? []
  const plain = quoted === undefined ? text : quoted.replace(/\\(.)/gs, '$1')
  return plain.replace(/(?:%[0-9a-f]{2})+/gi, escaped => {
    try {
      return decodeURIComponent(escaped)
    } catch {
      return escaped
    }
  })
}
