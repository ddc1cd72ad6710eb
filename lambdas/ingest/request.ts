import { gunzipSync } from 'node:zlib'
import { type Rejection, reject } from '../../shared/rejections.ts'

const KB = 2 ** 10
/** Largest decoded body. */
export const BODY_BYTES = 4 * 2 ** 20
/** Largest single event, in bytes of UTF-8 as sent. */
export const EVENT_BYTES = 32 * KB
/** Most events of one request. */
export const EVENTS = 2500

/** One element of a body: an element of its array, a line of its NDJSON, or the body itself. */
export interface Element {
  /** 0-based, among the array's elements or the non-blank lines. */
  readonly index: number
  /** Undefined: the line is not JSON. */
  readonly value: unknown
  /** The text as sent. */
  readonly text: string
}

/** The body as text: base64 and gzip are told by what the bytes are, since clients and gateways mislabel them. */
export function bodyText(request: { readonly body?: string | undefined; readonly isBase64Encoded: boolean }): string | Rejection {
  const { body = '', isBase64Encoded } = request
  // Gzip that was read as text has lost bytes for good: only sending it again can help.
  if (!isBase64Encoded && body.startsWith('\u001f\ufffd'))
    return reject('unavailable', 'The gateway damaged the compressed body; send it uncompressed.')
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? inflate(bytes) : bytes
  if (!Buffer.isBuffer(plain)) return plain
  if (plain.length > BODY_BYTES) return reject('body_too_large')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(plain)
  } catch {
    return reject('malformed_json', 'The body is not UTF-8.')
  }
}

function inflate(bytes: Buffer): Buffer | Rejection {
  try {
    return gunzipSync(bytes, { maxOutputLength: BODY_BYTES })
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return tooLarge ? reject('body_too_large') : reject('malformed_json', 'The gzip of the body is damaged.')
  }
}

/**
 * The elements of a body. The whole body is one JSON object or array; else, with an NDJSON content type or several lines,
 * every line stands for itself; else it is malformed and nothing of it is kept.
 */
export function elements(text: string, contentType: string | undefined): readonly Element[] | Rejection {
  const whole = parse(text)
  if (Array.isArray(whole)) return arrayElements(whole, text)
  if (typeof whole === 'object' && whole !== null) return [{ index: 0, value: whole, text: text.trim() }]
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  const isNdjson = /\b(ndjson|jsonl|jsonlines|x-ndjson|json-seq)\b/i.test(contentType ?? '')
  if (lines.length === 0 || (lines.length === 1 && !isNdjson)) return reject('malformed_json')
  return lines.map((line, index) => ({ index, value: parse(line), text: line }))
}

/** Undefined where the text is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Only a body larger than one event may be can hold a too large one: only then are the elements' own texts cut out. */
function arrayElements(values: readonly unknown[], text: string): Element[] {
  const texts = text.length * 3 > EVENT_BYTES ? elementTexts(text) : []
  return values.map((value, index) => ({ index, value, text: texts[index] ?? JSON.stringify(value) }))
}

/** The texts between the commas of a JSON array that is known to be well formed. */
function elementTexts(text: string): string[] {
  const texts: string[] = []
  let depth = 0
  let from = text.indexOf('[') + 1
  let inString = false
  for (let at = from - 1; at < text.length; at++) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth -= 1
    if (inString || !((character === ',' && depth === 1) || depth === 0)) continue
    texts.push(text.slice(from, at).trim())
    from = at + 1
    if (depth === 0) break
  }
  return texts
}
