import { hasLongIntegers, withExactIntegers } from './exact-json.ts'
import { parseJson } from './json.ts'
import { jsonError } from './json-error.ts'
import { MAX_PARSED_DEPTH } from './limits.ts'

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * The value of the JSON text of a sender, without what is nested more deeply than MAX_PARSED_DEPTH: no event may be nested so deeply, and
 * four megabytes of brackets need more than a second to parse. Undefined if the text is not JSON.
 */
export function parseShallow(text: string): unknown {
  const parsed = withoutDepths(text)
  return parsed === undefined ? undefined : parseJson(parsed)
}

/** As `withExactIntegers`, for a value of `parseShallow`. */
export const withExactIntegersOf = (value: unknown, text: string): unknown =>
  hasLongIntegers(text) ? withExactIntegers(value, withoutDepths(text) ?? '') : value

/** The text without the content of brackets at MAX_PARSED_DEPTH; undefined if something is cut and the text is not JSON. */
function withoutDepths(text: string): string | undefined {
  const kept: string[] = []
  let from = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      depth += 1
      if (depth === MAX_PARSED_DEPTH) kept.push(text.slice(from, at + 1))
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      if (depth === MAX_PARSED_DEPTH) from = at
      depth -= 1
    }
  }
  if (kept.length === 0) return text
  return depth !== 0 || jsonError(text) ? undefined : [...kept, text.slice(from)].join('')
}

/** The quote that ends the string which begins here, or the end of the text. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 1) return at
  }
  return text.length
}
