/** Where text stops being JSON, and why. */
interface JsonError {
  /** Offset in the text, in UTF-16 units. */
  readonly at: number
  /** A clause for the sender. */
  readonly reason: string
}

type Bracket = '{' | '['

/** What the next token must be. `after` is after a value inside an array or object, `end` after the whole value. */
type Expected = 'value' | 'first value' | 'name' | 'first name' | 'colon' | 'after' | 'end'

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const LITERAL = /true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const BLANK = new Set(' \t\r\n')

/** The first error in text that is not JSON; undefined if it is JSON. A stack, not recursion: text may be nested very deeply. */
export function jsonError(text: string): JsonError | undefined {
  const open: Bracket[] = []
  let expected: Expected = 'value'
  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? ''
    const next: Expected | undefined = BLANK.has(character) ? expected : afterPunctuation(character, expected, open)
    if (next) {
      expected = next
      at += 1
      continue
    }
    const token = tokenAt(text, at, expected)
    if (token === undefined) return { at, reason: reasonFor(expected, open.at(-1)) }
    if (typeof token !== 'number') return token
    at = token
    expected = isName(expected) ? 'colon' : afterValue(open)
  }
  return expected === 'end' ? undefined : { at: text.length, reason: 'the text ends before the value does' }
}

const isValue = (expected: Expected): boolean => expected === 'value' || expected === 'first value'
const isName = (expected: Expected): boolean => expected === 'name' || expected === 'first name'
const afterValue = (open: readonly Bracket[]): Expected => (open.length === 0 ? 'end' : 'after')

/** What follows a bracket, comma or colon that is expected; undefined for any other character. Keeps track of open brackets. */
function afterPunctuation(character: string, expected: Expected, open: Bracket[]): Expected | undefined {
  const top = open.at(-1)
  if (isValue(expected) && (character === '{' || character === '[')) {
    open.push(character)
    return character === '{' ? 'first name' : 'first value'
  }
  if (closes(character, top, expected)) {
    open.pop()
    return afterValue(open)
  }
  if (character === ',' && expected === 'after') return top === '{' ? 'name' : 'value'
  return character === ':' && expected === 'colon' ? 'value' : undefined
}

const closes = (character: string, top: Bracket | undefined, expected: Expected): boolean =>
  top === '{'
    ? character === '}' && (expected === 'after' || expected === 'first name')
    : character === ']' && (expected === 'after' || expected === 'first value')

function reasonFor(expected: Expected, top: Bracket | undefined): string {
  if (isName(expected)) return 'a name in double quotes is expected'
  if (expected === 'colon') return 'a colon is expected'
  if (expected === 'after') return `a comma or ${top === '{' ? '}' : ']'} is expected`
  return expected === 'end' ? 'only white space is allowed after the value' : 'a value is expected'
}

/** The end of the string, number or literal that begins here, or the error in it. Undefined if none is expected or begins here. */
function tokenAt(text: string, at: number, expected: Expected): number | JsonError | undefined {
  if (text[at] === '"') return isValue(expected) || isName(expected) ? stringAt(text, at) : undefined
  return isValue(expected) ? scalarAt(text, at) : undefined
}

/** The end of the number or literal that begins here. */
function scalarAt(text: string, at: number): number | undefined {
  for (const pattern of [NUMBER, LITERAL]) {
    pattern.lastIndex = at
    if (pattern.test(text)) return pattern.lastIndex
  }
  return undefined
}

/** The end of the string that begins here, or the error in it. */
function stringAt(text: string, start: number): number | JsonError {
  for (let at = start + 1; at < text.length; ) {
    const character = text[at] ?? ''
    if (character === '"') return at + 1
    if (character < ' ') return { at, reason: 'a control character in a string must be escaped' }
    ESCAPE.lastIndex = at
    if (character !== '\\') at += 1
    else if (ESCAPE.test(text)) at = ESCAPE.lastIndex
    else return { at, reason: 'this backslash does not begin an escape of JSON' }
  }
  return { at: text.length, reason: 'the text ends inside a string' }
}

/** The place and the reason of the first error, for a message: `line 2, column 5: a value is expected`. */
export function describeJsonError(text: string): string | undefined {
  const error = jsonError(text)
  if (!error) return undefined
  const before = text.slice(0, error.at).split('\n')
  return `line ${before.length}, column ${[...(before.at(-1) ?? '')].length + 1}: ${error.reason}`
}
