import { UserError } from '../../shared/user-error.ts'
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  CR,
  elementBuffer,
  isBlank,
  LF,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  TAB,
} from './element-buffer.ts'
import type { Element, Splitter, StartPosition } from './elements.ts'

type Position = 'before array' | 'before element' | 'in element' | 'after element' | 'after array'

/** Splits one JSON array. Finds where elements end without parsing them, so that their bytes do not change. */
export function arraySplitter(from: StartPosition): Splitter {
  const element = elementBuffer(from.count)
  const isAfterElement = elementScanner()
  let position: Position = from.count === 0 ? 'before array' : 'after element'
  let offset = from.offset

  const next = (current: Position, byte: number): Position => {
    const following = nextPosition(current, byte, element.count())
    if (following === undefined) throw notAnArray(offset, element.count())
    return following
  }
  return {
    *push(chunk) {
      const base = offset
      let start = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] as number // `at` is within the chunk
        offset = base + at
        if (position !== 'in element') {
          position = next(position, byte)
          start = at
        }
        if (position !== 'in element' || !isAfterElement(byte)) continue
        element.add(chunk.subarray(start, at))
        yield oneLine(element.take(), offset)
        position = next('after element', byte)
      }
      if (position === 'in element') element.add(chunk.subarray(start))
      offset = base + chunk.length
    },
    finish() {
      if (position !== 'after array') throw notAnArray(offset, element.count())
      return []
    },
  }
}

/** Replaces line breaks by tabs. Outside strings both are white space, inside strings JSON allows neither. */
function oneLine(text: Buffer, end: number): Element {
  for (const [at, byte] of text.entries()) if (byte === LF || byte === CR) text[at] = TAB
  return { text, end }
}

/** Returns a function that takes the bytes of an element one by one and returns true for the first byte after the element. */
function elementScanner(): (byte: number) => boolean {
  let depth = 0
  let inString = false
  let escaped = false
  return byte => {
    if (inString) {
      if (escaped) escaped = false
      else if (byte === BACKSLASH) escaped = true
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (depth === 0 && (byte === COMMA || byte === CLOSE_ARRAY)) return true
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth += 1
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth -= 1
    return false
  }
}

/** The position after a byte outside of elements; undefined if the byte is not allowed at the current position. */
function nextPosition(current: Position, byte: number, count: number): Position | undefined {
  const isByteOrderMark = current === 'before array' && (byte === 0xef || byte === 0xbb || byte === 0xbf)
  if (isBlank(byte) || isByteOrderMark) return current
  if (current === 'before array') return byte === OPEN_ARRAY ? 'before element' : undefined
  if (current === 'after array') return undefined
  if (byte === CLOSE_ARRAY) return current === 'after element' || count === 0 ? 'after array' : undefined
  if (current === 'after element') return byte === COMMA ? 'before element' : undefined
  return byte === COMMA ? undefined : 'in element'
}

const notAnArray = (offset: number, count: number): UserError =>
  new UserError(`The file is not a valid JSON array at byte ${offset}, after ${count} elements. Nothing was sent. Fix the file.`)
