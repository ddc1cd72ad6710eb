import { parseJson } from '../../shared/json.ts'
import { formatBytes, MAX_KEYLESS_BYTES } from '../../shared/limits.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { bodyBytes, type EncodedBody } from './body-bytes.ts'

/** No dialect looks for a key in deeper brackets: they are only counted, however deep a body is. */
const MAX_DEPTH = 3
const MAX_NAME = 64

const TOO_LARGE = `Without a key in a header or in ?writeKey=, a body may have at most ${formatBytes(MAX_KEYLESS_BYTES)}. Send the key in a header.`

/**
 * The first write key in a body, where a dialect may find one, without parsing the body: a request without a key must cost little.
 * The key may be at the top, in an element of an array, in a line, or in an element of `batch`.
 */
export function keyInBody(request: EncodedBody, contentEncoding: string | undefined): string | Rejection {
  const bytes = bodyBytes(request, contentEncoding, MAX_KEYLESS_BYTES)
  if (isRejection(bytes)) return bytes.code === 'body_too_large' ? reject('body_too_large', TOO_LARGE) : bytes
  const text = bytes.toString('latin1') // one character for each byte; JSON's structure is ASCII
  // A line that is not JSON may leave a bracket open, so that the next lines seem to be inside it.
  return scan(text, false) ?? scan(text, true) ?? reject('key_missing')
}

interface Container {
  readonly isArray: boolean
  /** In an object: the name whose value is next. */
  name: string | undefined
}

/** With `byLine`, each line begins outside of all brackets. */
function scan(text: string, byLine: boolean): string | undefined {
  const open: Container[] = []
  let deeper = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    const inner = deeper === 0 ? open.at(-1) : undefined
    if (character === '"') {
      const end = endOfString(text, at)
      const key = inner && takeString(text.slice(at, end + 1), open, inner)
      if (key) return key
      at = end
    } else if (character === '{' || character === '[') {
      if (open.length === MAX_DEPTH) deeper += 1
      else open.push({ isArray: character === '[', name: undefined })
    } else if (character === '}' || character === ']') {
      if (deeper > 0) deeper -= 1
      else open.pop()
    } else if (character === ',' && inner) inner.name = undefined
    else if (character === '\n' && byLine) open.length = deeper = 0
  }
  return undefined
}

/** Position of the quote that ends a string. A line end ends it, too: JSON has none in strings. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') at += 1
    else if (character === '"') return at
    else if (character === '\n') return at - 1
  }
  return text.length
}

/** Notes the name of a member. Returns the string if it is a key. */
function takeString(json: string, open: readonly Container[], inner: Container): string | undefined {
  if (inner.isArray) return undefined
  if (inner.name !== undefined) return inner.name === 'writeKey' && mayHoldKey(open) ? stringOf(json) : undefined
  inner.name = json.length > MAX_NAME ? '' : stringOf(json)
  return undefined
}

const stringOf = (json: string): string => String(parseJson(json) ?? '')

/** Whether the innermost object is the body, an element of it, or an element of its batch. */
function mayHoldKey([first, second, third]: readonly Container[]): boolean {
  if (third) return first?.name === 'batch' && second?.isArray === true
  return second === undefined || first?.isArray === true
}
