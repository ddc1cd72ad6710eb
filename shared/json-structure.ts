import { parseShallow } from './json-depth.ts'

/** Code points of JSON's structure and white space. All are ASCII: bytes of UTF-8 and units of UTF-16 have the same values. */
export const [TAB, LF, CR] = [0x09, 0x0a, 0x0d]
const SPACE = 0x20
export const [COMMA, OPEN_ARRAY, CLOSE_ARRAY] = [0x2c, 0x5b, 0x5d]
const [QUOTE, BACKSLASH, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x7b, 0x7d]

export const isBlank = (code: number | undefined): boolean => code === SPACE || code === TAB || code === LF || code === CR

/** Follows the brackets and strings of JSON text, without parsing its values. Takes the text code by code, whatever its chunks. */
export function jsonStructure() {
  const open: number[] = []
  let inString = false
  let escaped = false
  return {
    depth: () => open.length,
    inString: () => inString,
    /** Returns false if the code closes a bracket that is not open. */
    push(code: number): boolean {
      if (inString) {
        if (escaped) escaped = false
        else if (code === BACKSLASH) escaped = true
        else if (code === QUOTE) inString = false
      } else if (code === QUOTE) inString = true
      else if (code === OPEN_ARRAY || code === OPEN_OBJECT) open.push(code)
      else if (code === CLOSE_ARRAY) return open.pop() === OPEN_ARRAY
      else if (code === CLOSE_OBJECT) return open.pop() === OPEN_OBJECT
      return true
    },
  }
}

/** What a code of consecutive values does: it starts or ends a value, is inside or between values, or proves that there are none. */
export type SequenceStep = 'between' | 'start' | 'inside' | 'end' | 'broken'

/**
 * Finds consecutive JSON objects and arrays, each of which starts on a line of its own and may have several lines. Two values on
 * one line, other text between values, and a value after another without a comma are 'broken'.
 */
export function sequenceScanner(): (code: number) => SequenceStep {
  const structure = jsonStructure()
  let lineHasValue = false
  /** The last code inside a value, except white space, ended a string or a bracket. A comma or a bracket must follow. */
  let afterValue = false
  return code => {
    const outside = structure.depth() === 0
    if (outside && isBlank(code)) {
      if (code === LF) lineHasValue = false
      return 'between'
    }
    if (outside && (lineHasValue || (code !== OPEN_OBJECT && code !== OPEN_ARRAY))) return 'broken'
    const wasInString = structure.inString()
    if (wasInString ? code === LF : afterValue && opensValue(code)) return 'broken'
    if (!structure.push(code)) return 'broken'
    if (wasInString || !isBlank(code)) afterValue = closesValue(code) && !structure.inString()
    if (outside) lineHasValue = true
    if (structure.depth() > 0) return outside ? 'start' : 'inside'
    afterValue = false
    return 'end'
  }
}

const opensValue = (code: number): boolean => code === QUOTE || code === OPEN_OBJECT || code === OPEN_ARRAY
const closesValue = (code: number): boolean => code === QUOTE || code === CLOSE_OBJECT || code === CLOSE_ARRAY

/** The consecutive values of a text; undefined if it is anything else, or if a value is not JSON. */
export function sequenceOf(text: string): { readonly value: unknown; readonly text: string }[] | undefined {
  const scan = sequenceScanner()
  const found: { value: unknown; text: string }[] = []
  let start = 0
  let step: SequenceStep = 'between'
  for (let at = 0; at < text.length; at++) {
    step = scan(text.charCodeAt(at))
    if (step === 'broken') return undefined
    if (step === 'start') start = at
    if (step !== 'end') continue
    const piece = text.slice(start, at + 1)
    const value = parseShallow(piece)
    if (value === undefined) return undefined
    found.push({ value, text: piece })
  }
  return step === 'inside' || step === 'start' ? undefined : found
}
