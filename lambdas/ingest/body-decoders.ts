import type { Body, Dialect } from '../../shared/dialect.ts'
import { claimedMode, cloudEvents, fromBinary, hasSpecVersion } from '../../shared/dialects/cloud-events.ts'
import { envelopes, rowsOf } from '../../shared/dialects/native.ts'
import { segment } from '../../shared/dialects/segment.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Headers } from '../../shared/http.ts'
import { isObject } from '../../shared/json.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { callOf, paths } from '../../shared/routes.ts'
import { batchBody, bodyBytes, bodyText, type EncodedBody, splitElements } from './body.ts'

/** The part of a request that the decoders read. */
export interface HttpRequest extends EncodedBody {
  readonly headers: Headers
}

/** A body as elements, and the dialect that turns them into envelopes. */
interface DecodedBody {
  readonly body: Body
  readonly dialect: Dialect
  /** Write keys found in the body. */
  readonly keys: readonly string[]
}

export type BodyDecoder = (request: HttpRequest) => DecodedBody | Rejection

/** The decoder for the body of a POST to this path. Undefined if no route has this path. */
export function decoderFor(path: string, eventTypes: ReadonlyMap<string, EventType>): BodyDecoder | undefined {
  if (path === paths.events) return decodeEvents
  if (path === paths.batch || path === paths.shortBatch || path === paths.beacon) return callDecoder(segment())
  const call = callOf(path)
  if (call) return callDecoder(segment(call))
  const type = path.startsWith(`${paths.events}/`) ? path.slice(paths.events.length + 1) : ''
  if (type === '' || type.includes('/')) return undefined
  return eventTypes.has(type) ? rowDecoder(rowsOf(type)) : () => reject('unknown_type')
}

function decodeEvents(request: HttpRequest): DecodedBody | Rejection {
  const mode = claimedMode(request.headers)
  if (mode === 'unsupported') return reject('unsupported_format')
  if (mode === 'binary') return decodeBinary(request)
  const body = readBody(request, elementsBody)
  if (isRejection(body)) return body
  const dialect = mode === 'structured' || hasSpecVersion(body.elements) ? cloudEvents : envelopes
  return { body, dialect, keys: keysOf(body) }
}

function decodeBinary(request: HttpRequest): DecodedBody | Rejection {
  const bytes = bodyBytes(request)
  if (!Buffer.isBuffer(bytes)) return bytes
  const element = fromBinary(request.headers, bytes)
  return isRejection(element) ? element : { body: { elements: [element] }, dialect: cloudEvents, keys: [] }
}

const callDecoder =
  (dialect: Dialect): BodyDecoder =>
  request => {
    const body = readBody(request, batchBody)
    return isRejection(body) ? body : { body, dialect, keys: keysOf(body) }
  }

/** Ignores a field named `writeKey`: the names of a row's fields are the sender's choice. */
const rowDecoder =
  (dialect: Dialect): BodyDecoder =>
  request => {
    const body = readBody(request, elementsBody)
    return isRejection(body) ? body : { body, dialect, keys: [] }
  }

type TextReader = (text: string, contentType: string | undefined) => Body | Rejection

const elementsBody: TextReader = (text, contentType) => {
  const elements = splitElements(text, contentType)
  return isRejection(elements) ? elements : { elements }
}

function readBody(request: HttpRequest, read: TextReader): Body | Rejection {
  const text = bodyText(request)
  return typeof text === 'string' ? read(text, request.headers['content-type']) : text
}

/** The write key of the batch. Without one, the write keys of its elements. */
function keysOf({ elements, batchDefaults }: Body): string[] {
  const batchKey = batchDefaults?.['writeKey']
  const keys = batchKey ? [batchKey] : elements.map(({ value }) => (isObject(value) ? value['writeKey'] : undefined))
  return keys.filter(key => typeof key === 'string')
}
