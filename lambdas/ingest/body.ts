import { gunzipSync } from 'node:zlib'
import type { Body, BodyReader, Element } from '../../shared/dialect.ts'
import { isObject, LINES_CONTENT_TYPE, parseJson, trimLine } from '../../shared/json.ts'
import { memberText, pieces } from '../../shared/json-pieces.ts'
import { sequenceOf } from '../../shared/json-structure.ts'
import { MAX_BODY_BYTES, MAX_ELEMENTS_PER_REQUEST } from '../../shared/limits.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'

/** A request body as API Gateway passes it. */
export interface EncodedBody {
  readonly body?: string | undefined
  readonly isBase64Encoded: boolean
}

/** The decompressed bytes of a body. Gzip is detected by its magic bytes, because clients and gateways mislabel bodies. */
function bodyBytes({ body = '', isBase64Encoded }: EncodedBody): Buffer | Rejection {
  // Reading gzip as text lost bytes. The client still has them, so `unavailable` asks it to send them again.
  if (!isBase64Encoded && body.startsWith('\u001f\ufffd'))
    return reject('unavailable', 'The gateway damaged the compressed body; send it uncompressed.')
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')
  if (bytes.length > MAX_BODY_BYTES) return reject('body_too_large')
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? inflate(bytes) : bytes
}

/** Input and output are limited to MAX_BODY_BYTES, which also limits the time this takes. */
function inflate(bytes: Buffer): Buffer | Rejection {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES })
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return tooLarge ? reject('body_too_large') : reject('malformed_json', 'The body is not valid gzip; compress it again.')
  }
}

/** Reads a body in the form that its dialect asks for. Each form is read once. */
export function bodyReader(request: EncodedBody, contentType: string | undefined): BodyReader {
  const bytes = once(() => bodyBytes(request))
  const text = once(() => textOf(bytes()))
  const readText = (read: (text: string, contentType: string | undefined) => Body | Rejection) =>
    once(() => {
      const body = text()
      return typeof body === 'string' ? read(body, contentType) : body
    })
  return { bytes, elements: readText(elementsBody), batch: readText(batchBody) }
}

function once<Value>(read: () => Value): () => Value {
  let result: { readonly value: Value } | undefined
  return () => {
    result ??= { value: read() }
    return result.value
  }
}

/** The body as text. */
export const bodyText = (request: EncodedBody): string | Rejection => textOf(bodyBytes(request))

function textOf(bytes: Buffer | Rejection): string | Rejection {
  if (isRejection(bytes)) return bytes
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return reject('malformed_json', 'The body is not valid UTF-8; encode it as UTF-8.')
  }
}

function elementsBody(text: string, contentType: string | undefined): Body | Rejection {
  const elements = splitElements(text, contentType)
  return isRejection(elements) ? elements : { elements, writeKeys: keysOf(elements) }
}

/** The write keys that elements hold. */
const keysOf = (elements: readonly Pick<Element, 'value'>[]): string[] =>
  elements.map(({ value }) => (isObject(value) ? value['writeKey'] : undefined)).filter(key => typeof key === 'string')

/**
 * Splits a body into elements. A JSON array gives one element per item, a JSON object gives one element. Any other text of several
 * lines, or of one line if the content type says NDJSON, gives one element per non-blank line, even if a line is not JSON; but
 * consecutive objects that have several lines each are the elements themselves. Anything else is malformed.
 */
export function splitElements(text: string, contentType: string | undefined): readonly Element[] | Rejection {
  const isLines = contentType?.trim().toLowerCase() === LINES_CONTENT_TYPE
  const whole = isLines ? undefined : parseJson(text)
  if (Array.isArray(whole)) return whole.length > MAX_ELEMENTS_PER_REQUEST ? tooManyElements() : arrayElements(whole, text)
  if (isObject(whole)) return [{ index: 0, value: whole, text: text.trim() }]
  const lines = text
    .split('\n')
    .map(trimLine)
    .filter(line => line !== '')
  const isNdjson = /\b(ndjson|jsonl|jsonlines|x-ndjson|json-seq)\b/i.test(contentType ?? '')
  if (lines.length === 0 || (lines.length === 1 && !isNdjson)) return reject('malformed_json')
  return (isLines ? undefined : sequenceElements(lines, text)) ?? lineElements(lines)
}

function lineElements(lines: readonly string[]): readonly Element[] | Rejection {
  if (lines.length > MAX_ELEMENTS_PER_REQUEST) return tooManyElements()
  return lines.map((line, index) => ({ index, value: parseJson(line), text: line }))
}

/** The consecutive values of a text, if some have several lines: only then is there a line that is not JSON. */
function sequenceElements(lines: readonly string[], text: string): readonly Element[] | undefined {
  if (lines.length <= MAX_ELEMENTS_PER_REQUEST && lines.every(line => parseJson(line) !== undefined)) return undefined
  const values = sequenceOf(text)
  return values && values.length <= MAX_ELEMENTS_PER_REQUEST ? values.map((value, index) => ({ index, ...value })) : undefined
}

const tooManyElements = (): Rejection =>
  reject('body_too_large', `The body has more than ${MAX_ELEMENTS_PER_REQUEST} elements; send smaller batches.`)

/** The body of an SDK: the elements of its `batch`, with the other members as defaults. Without a `batch`, any elements. */
function batchBody(text: string, contentType: string | undefined): Body | Rejection {
  const body = elementsBody(text, contentType)
  if (isRejection(body)) return body
  const [{ value } = { value: undefined }] = body.elements
  if (body.elements.length !== 1 || !isObject(value) || !Array.isArray(value['batch'])) return body
  const { batch, ...batchDefaults } = value
  if (batch.length > MAX_ELEMENTS_PER_REQUEST) return tooManyElements()
  // The context is stored with every event, so its size counts once per event.
  const contextBytes = isObject(batchDefaults['context']) ? Buffer.byteLength(memberText(text, 'context')) : 0
  if (Buffer.byteLength(text) + contextBytes * batch.length > MAX_BODY_BYTES) return reject('body_too_large')
  const elements = arrayElements(batch, memberText(text, 'batch'))
  const batchKey = batchDefaults['writeKey']
  return { elements, batchDefaults, writeKeys: batchKey ? keysOf([{ value: batchDefaults }]) : keysOf(elements) }
}

/** Cuts the texts out of the body instead of serializing the values, which may be nested too deeply for JSON.stringify. */
function arrayElements(values: readonly unknown[], text: string): Element[] {
  const texts = pieces(text)
  return values.map((value, index) => ({ index, value, text: texts[index] ?? '' }))
}
