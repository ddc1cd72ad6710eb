import type { Body, Dialect } from '../../shared/dialect.ts'
import { claimedMode, cloudEvents, fromBinary, hasSpecVersion } from '../../shared/dialects/cloud-events.ts'
import { envelopes, rowsOf } from '../../shared/dialects/native.ts'
import { segment } from '../../shared/dialects/segment.ts'
import type { EventType } from '../../shared/event-type.ts'
import { isObject } from '../../shared/json.ts'

import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { callOf, paths } from '../../shared/routes.ts'
import { batchBody, bodyBytes, bodyText, splitElements } from './body.ts'

/** What ingest reads of a request. */
export interface HttpRequest {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body?: string | undefined
  readonly isBase64Encoded: boolean
}

/** A body and how it is to be understood. */
export interface DecodedBody {
  readonly body: Body
  readonly dialect: Dialect
  /** The write keys that the body carries. */
  readonly keys: readonly string[]
}

export type BodyDecoder = (sent: HttpRequest) => DecodedBody | Rejection

/** How the body of a POST to this path is read; undefined where there is nothing. */
export function decoderFor(path: string, eventTypes: ReadonlyMap<string, EventType>): BodyDecoder | undefined {
  if (path === paths.events) return readEvents
  if (path === paths.batch || path === paths.shortBatch || path === paths.beacon) return readCalls(segment())
  const call = callOf(path)
  if (call) return readCalls(segment(call))
  const type = path.startsWith(`${paths.events}/`) ? path.slice(paths.events.length + 1) : ''
  if (type === '' || type.includes('/')) return undefined
  return eventTypes.has(type) ? readRows(rowsOf(type)) : () => reject('unknown_type')
}

function readEvents(sent: HttpRequest): DecodedBody | Rejection {
  const mode = claimedMode(sent.headers)
  if (mode === 'unsupported') return reject('unsupported_format')
  if (mode === 'binary') return readBinary(sent)
  const body = readBody(sent, (text, contentType) => asBody(splitElements(text, contentType)))
  if (isRejection(body)) return body
  const dialect = mode === 'structured' || hasSpecVersion(body.elements) ? cloudEvents : envelopes
  return { body, dialect, keys: keysOf(body) }
}

function readBinary(sent: HttpRequest): DecodedBody | Rejection {
  const bytes = bodyBytes(sent)
  if (!Buffer.isBuffer(bytes)) return bytes
  const element = fromBinary(sent.headers, bytes)
  return isRejection(element) ? element : { body: { elements: [element] }, dialect: cloudEvents, keys: [] }
}

const readCalls =
  (dialect: Dialect): BodyDecoder =>
  sent => {
    const body = readBody(sent, batchBody)
    return isRejection(body) ? body : { body, dialect, keys: keysOf(body) }
  }

/** A row's fields are the sender's own, whatever they are called: no key is looked for in them. */
const readRows =
  (dialect: Dialect): BodyDecoder =>
  sent => {
    const body = readBody(sent, (text, contentType) => asBody(splitElements(text, contentType)))
    return isRejection(body) ? body : { body, dialect, keys: [] }
  }

const asBody = (found: Body['elements'] | Rejection): Body | Rejection => (isRejection(found) ? found : { elements: found })

function readBody(
  sent: HttpRequest,
  read: (text: string, contentType: string | undefined) => Body | Rejection,
): Body | Rejection {
  const text = bodyText(sent)
  return typeof text === 'string' ? read(text, sent.headers['content-type']) : text
}

/** The key of the batch, or else those of its events. */
function keysOf({ elements, batchDefaults }: Body): string[] {
  const shared = batchDefaults?.['writeKey']
  const keys = shared ? [shared] : elements.map(({ value }) => (isObject(value) ? value['writeKey'] : undefined))
  return keys.filter(key => typeof key === 'string')
}
