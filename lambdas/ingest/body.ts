import { isUtf8 } from 'node:buffer'
import type { Body, BodyReader, Element } from '../../shared/dialect.ts'
import { jsonType } from '../../shared/field-problem.ts'
import type { Headers } from '../../shared/http.ts'
import { isObject, LINES_CONTENT_TYPE, trimLine } from '../../shared/json.ts'
import { parseShallow, withExactIntegersOf } from '../../shared/json-depth.ts'
import { describeJsonError } from '../../shared/json-error.ts'
import { memberText, pieces } from '../../shared/json-pieces.ts'
import { sequenceOf } from '../../shared/json-structure.ts'
import { MAX_BODY_BYTES, MAX_ELEMENTS_PER_REQUEST } from '../../shared/limits.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { bodyBytes, type EncodedBody } from './body-bytes.ts'

/** Reads a body in the form that its dialect asks for. Each form is read once. */
export function bodyReader(request: EncodedBody, headers: Headers): BodyReader {
  const contentType = headers['content-type']
  const bytes = once(() => bodyBytes(request, headers['content-encoding']))
  const text = once(() => textOf(bytes()))
  const readText = (read: (text: BodyText, contentType: string | undefined) => Body | Rejection) =>
    once(() => {
      const body = text()
      return isRejection(body) ? body : read(body, contentType)
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

/** The text of a body. If it is not UTF-8, it has one character for each byte, so that only the elements with bad bytes are bad. */
interface BodyText {
  readonly text: string
  readonly isUtf8: boolean
}

/** Two bytes for each character: a byte order mark, or an ASCII character beside a zero byte. */
const UTF_16 = /^(\u00ff\u00fe|\u00fe\u00ff|[[{\s"]\0|\0[[{\s"])/

function textOf(bytes: Buffer | Rejection): BodyText | Rejection {
  if (isRejection(bytes)) return bytes
  if (UTF_16.test(bytes.toString('latin1', 0, 2))) return reject('malformed_json', 'The body is UTF-16; encode it as UTF-8.')
  const start = bytes.indexOf(BYTE_ORDER_MARK) === 0 ? BYTE_ORDER_MARK.length : 0
  const valid = isUtf8(bytes)
  return { text: bytes.toString(valid ? 'utf8' : 'latin1', start), isUtf8: valid }
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff')

function elementsBody(body: BodyText, contentType: string | undefined): Body | Rejection {
  const elements = splitElements(body, contentType)
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
export function splitElements(body: BodyText, contentType: string | undefined): readonly Element[] | Rejection {
  const { text } = body
  const isLines = contentType?.trim().toLowerCase() === LINES_CONTENT_TYPE
  const whole = isLines ? undefined : parseShallow(text)
  if (Array.isArray(whole)) return whole.length > MAX_ELEMENTS_PER_REQUEST ? tooManyElements() : arrayElements(whole, body)
  if (isObject(whole)) return [elementOf(whole, trim(text, body), 0, body)]
  const lines = text
    .split(text.startsWith(RECORD_SEPARATOR) ? RECORD_SEPARATOR : '\n')
    .map(line => trim(line, body))
    .filter(line => line !== '')
  const isNdjson = /\b(ndjson|jsonl|jsonlines|x-ndjson|json-seq)\b/i.test(contentType ?? '')
  if (lines.length === 0 || (lines.length === 1 && !isNdjson)) return malformed(text, whole)
  // Parsing four megabytes of brackets or thousands of lines that are not JSON is slow: it happens once.
  const values = lines.length > MAX_ELEMENTS_PER_REQUEST ? undefined : lines.map(parseShallow)
  const sequence = isLines || (values && !values.includes(undefined)) ? undefined : sequenceElements(body)
  if (sequence || values) return sequence ?? lines.map((line, index) => elementOf(values?.[index], line, index, body))
  return tooManyElements()
}

/** Why a body has no elements. */
function malformed(text: string, whole: unknown): Rejection {
  if (text.trim() === '') return reject('malformed_json', `The body is empty. ${FORMS}`)
  const error = describeJsonError(text)
  return reject(
    'malformed_json',
    error ? `The body is not valid JSON at ${error}. ${FORMS}` : `The body is ${jsonType(whole)}. ${FORMS}`,
  )
}

const FORMS = 'Send a JSON object, an array of objects, or one object per line (NDJSON).'

/** Begins each JSON text of a JSON text sequence (RFC 7464). */
const RECORD_SEPARATOR = '\u001e'

/** As `trimLine`. In a body that is not UTF-8, the bytes of a byte order mark are characters. */
const trim = (line: string, { isUtf8: decoded }: BodyText): string =>
  decoded ? trimLine(line) : trimLine(line).replace(/^(\u00ef\u00bb\u00bf)+[ \t\r]*/, '')

/** An element of a body. If the body is not UTF-8, the element is decoded by itself. */
function elementOf(value: unknown, text: string, index: number, { isUtf8: decoded }: BodyText): Element {
  if (decoded) return { index, value: withExactIntegersOf(value, text), text }
  const bytes = Buffer.from(text, 'latin1')
  const readable = bytes.toString()
  if (isUtf8(bytes)) return { index, value: withExactIntegersOf(parseShallow(readable), readable), text: readable }
  return { index, value: parseShallow(readable), text, encodingProblem: problemOfBytes(bytes, Buffer.from(readable)) }
}

/** Names the first bad byte: the first that is not in the text that was decoded and encoded again. */
function problemOfBytes(bytes: Buffer, encodedAgain: Buffer): string {
  const at = bytes.findIndex((byte, i) => byte !== encodedAgain[i])
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase()
  return `The event is not valid UTF-8: byte 0x${byte} at offset ${at}. Encode it as UTF-8.`
}

/** The consecutive values of a text of which some have several lines: only then is there a line that is not JSON. */
function sequenceElements(body: BodyText): readonly Element[] | undefined {
  const values = sequenceOf(body.text)
  if (!values || values.length > MAX_ELEMENTS_PER_REQUEST) return undefined
  return values.map(({ value, text }, index) => elementOf(value, text, index, body))
}

const tooManyElements = (): Rejection =>
  reject('body_too_large', `The body has more than ${MAX_ELEMENTS_PER_REQUEST} elements; send smaller batches.`)

/** The body of an SDK: the elements of its `batch`, with the other members as defaults. Without a `batch`, any elements. */
function batchBody(body: BodyText, contentType: string | undefined): Body | Rejection {
  const read = elementsBody(body, contentType)
  if (isRejection(read)) return read
  const [{ value } = { value: undefined }] = read.elements
  if (read.elements.length !== 1 || !isObject(value) || !Array.isArray(value['batch'])) return read
  const { batch, ...batchDefaults } = value
  if (batch.length > MAX_ELEMENTS_PER_REQUEST) return tooManyElements()
  // The context is stored with every event, so its size and its encoding count once per event.
  const context = isObject(batchDefaults['context']) ? memberText(body.text, 'context') : ''
  const bytes = bytesOf(body.text, body).length + bytesOf(context, body).length * batch.length
  if (bytes > MAX_BODY_BYTES) return reject('body_too_large')
  const inBatch = arrayElements(batch, { ...body, text: memberText(body.text, 'batch') })
  const elements = isUtf8(bytesOf(context, body)) ? inBatch : inBatch.map(withBadContext)
  const batchKey = batchDefaults['writeKey']
  return { elements, batchDefaults, writeKeys: batchKey ? keysOf([{ value: batchDefaults }]) : keysOf(elements) }
}

const BAD_CONTEXT = 'The context of the batch is not valid UTF-8; encode it as UTF-8.'

/** The context is a part of every event of its batch. */
const withBadContext = (element: Element): Element =>
  element.encodingProblem
    ? element
    : { ...element, text: Buffer.from(element.text).toString('latin1'), encodingProblem: BAD_CONTEXT }

const bytesOf = (text: string, { isUtf8 }: BodyText): Buffer => Buffer.from(text, isUtf8 ? 'utf8' : 'latin1')

/** Cuts the texts out of the body instead of serializing the values, which may be nested too deeply for JSON.stringify. */
function arrayElements(values: readonly unknown[], body: BodyText): Element[] {
  const texts = pieces(body.text)
  return values.map((value, index) => elementOf(value, texts[index] ?? '', index, body))
}
