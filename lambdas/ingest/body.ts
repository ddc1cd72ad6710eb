import { gunzipSync } from 'node:zlib'
import type { Body, Element } from '../../shared/dialect.ts'
import { isObject } from '../../shared/json.ts'
import { MAX_BODY_BYTES, MAX_ELEMENTS_PER_REQUEST } from '../../shared/limits.ts'

import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { memberText, pieces } from './json-pieces.ts'

interface Sent {
  readonly body?: string | undefined
  readonly isBase64Encoded: boolean
}

/** The bytes of a body: base64 and gzip are told by what the bytes are, since clients and gateways mislabel them. */
export function bodyBytes({ body = '', isBase64Encoded }: Sent): Buffer | Rejection {
  // Gzip that was read as text has lost bytes for good: only sending it again can help.
  if (!isBase64Encoded && body.startsWith('\u001f\ufffd'))
    return reject('unavailable', 'The gateway damaged the compressed body; send it uncompressed.')
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')
  if (bytes.length > MAX_BODY_BYTES) return reject('body_too_large')
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? inflate(bytes) : bytes
}

/** Both ends of it are bounded in bytes, and so is its time. */
function inflate(bytes: Buffer): Buffer | Rejection {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES })
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return tooLarge ? reject('body_too_large') : reject('malformed_json', 'The gzip of the body is damaged.')
  }
}

/** The body as text. */
export function bodyText(sent: Sent): string | Rejection {
  const bytes = bodyBytes(sent)
  if (!Buffer.isBuffer(bytes)) return bytes
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return reject('malformed_json', 'The body is not UTF-8.')
  }
}

/**
 * The elements of a body. The whole body is one JSON object or array; else, with an NDJSON content type or several lines,
 * every line stands for itself; else it is malformed and nothing of it is kept.
 */
export function splitElements(text: string, contentType: string | undefined): readonly Element[] | Rejection {
  const whole = parse(text)
  if (Array.isArray(whole)) return whole.length > MAX_ELEMENTS_PER_REQUEST ? tooMany() : arrayElements(whole, text)
  if (isObject(whole)) return [{ index: 0, value: whole, text: text.trim() }]
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  const isNdjson = /\b(ndjson|jsonl|jsonlines|x-ndjson|json-seq)\b/i.test(contentType ?? '')
  if (lines.length === 0 || (lines.length === 1 && !isNdjson)) return reject('malformed_json')
  if (lines.length > MAX_ELEMENTS_PER_REQUEST) return tooMany()
  return lines.map((line, index) => ({ index, value: parse(line), text: line }))
}

const tooMany = (): Rejection =>
  reject('body_too_large', `The body has more than ${MAX_ELEMENTS_PER_REQUEST} elements; send smaller batches.`)

/** The events of an SDK's body: those of its `batch`, with what it says around them, or the elements of any other body. */
export function batchBody(text: string, contentType: string | undefined): Body | Rejection {
  const found = splitElements(text, contentType)
  if (isRejection(found)) return found
  const [{ value } = { value: undefined }] = found
  if (found.length !== 1 || !isObject(value) || !Array.isArray(value['batch'])) return { elements: found }
  const { batch, ...around } = value
  if (batch.length > MAX_ELEMENTS_PER_REQUEST) return tooMany()
  const events = arrayElements(batch, memberText(text, 'batch'))
  // The context is kept with every event: it counts with each.
  const context = isObject(around['context']) ? Buffer.byteLength(memberText(text, 'context')) : 0
  return text.length + context * events.length > MAX_BODY_BYTES
    ? reject('body_too_large')
    : { elements: events, batchDefaults: around }
}

/** Undefined where the text is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The texts are cut out, not written anew: a value may be nested too deeply for that. */
function arrayElements(values: readonly unknown[], text: string): Element[] {
  const texts = pieces(text)
  return values.map((value, index) => ({ index, value, text: texts[index] ?? '' }))
}
