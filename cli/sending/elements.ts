import { MAX_BODY_BYTES } from '../../shared/limits.ts'
import { UserError } from '../../shared/user-error.ts'

/** One event as it stands in its file. */
export interface Element {
  /** Its JSON text, or whatever stands in its place, on one line. */
  readonly text: Buffer
  /** Byte offset just behind it. */
  readonly end: number
}

/** JSON lines, or one JSON array. */
export type Form = 'lines' | 'array'

/** Where reading begins: nowhere (0, 0), or behind the last of `count` elements. */
export interface StartPosition {
  readonly offset: number
  readonly count: number
}

interface Splitter {
  /** The elements that end in this chunk. */
  push(chunk: Buffer): Iterable<Element>
  /** What the end of the file completes; throws a Failure when it completes nothing it should. */
  finish(): Iterable<Element>
}

const [TAB, LF, CR, SPACE, QUOTE, COMMA, BACKSLASH] = [...Buffer.from('\t\n\r ",\\')] as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [...Buffer.from('[]{}')] as [number, number, number, number]
const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB || byte === LF || byte === CR

/** The form of a file, by its first byte that is no white space (or byte order mark). */
export function formOf(head: Buffer): Form {
  const start = head.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0
  return head.subarray(start).find(byte => !isBlank(byte)) === OPEN_ARRAY ? 'array' : 'lines'
}

/** Reads elements one by one in constant memory; `chunks` begin at the position. */
export async function* readElements(chunks: AsyncIterable<Buffer>, form: Form, from: StartPosition): AsyncGenerator<Element> {
  const splitter = form === 'lines' ? lineSplitter(from) : arraySplitter(from)
  for await (const chunk of chunks) yield* splitter.push(chunk)
  yield* splitter.finish()
}

/** Collects the bytes of the element that is being read. */
function collector(from: StartPosition) {
  let parts: Buffer[] = []
  let bytes = 0
  let count = from.count
  return {
    count: () => count,
    add(part: Buffer) {
      parts.push(part)
      bytes += part.length
      if (bytes > MAX_BODY_BYTES)
        throw new UserError(
          `Element ${count} of the file is larger than 4 MB, the most that a request may hold; take it out. Nothing was sent.`,
        )
    },
    take(): Buffer {
      const text = Buffer.concat(parts)
      parts = []
      bytes = 0
      return text
    },
    counted() {
      count += 1
    },
  }
}

function trimmed(text: Buffer): Buffer {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start += 1
  while (end > start && isBlank(text[end - 1])) end -= 1
  return text.subarray(start, end)
}

/** White space around a line is dropped and blank lines are skipped, as the API does. */
function lineSplitter(from: StartPosition): Splitter {
  const line = collector(from)
  let offset = from.offset
  function* end(): Generator<Element> {
    const text = trimmed(line.take())
    if (text.length === 0) return
    line.counted()
    yield { text, end: offset }
  }
  return {
    *push(chunk) {
      const base = offset
      for (let at = 0; at < chunk.length; ) {
        const newline = chunk.indexOf(LF, at)
        const stop = newline < 0 ? chunk.length : newline
        line.add(chunk.subarray(at, stop))
        at = stop + 1
        offset = base + Math.min(at, chunk.length)
        if (newline >= 0) yield* end()
      }
    },
    finish: end,
  }
}

type ArrayPosition = 'before the array' | 'before an element' | 'in an element' | 'behind an element' | 'behind the array'

/**
 * Finds where elements end without parsing them, so that their bytes stay as they are. A line break becomes a tab: outside of
 * strings both are white space, inside both are refused.
 */
function arraySplitter(from: StartPosition): Splitter {
  const element = collector(from)
  let place: ArrayPosition = from.count === 0 ? 'before the array' : 'behind an element'
  let offset = from.offset
  let depth = 0
  let inString = false
  let escaped = false

  /** Moves one byte on within an element; true when the byte no longer belongs to it. */
  const leaves = (byte: number): boolean => {
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
  const between = (byte: number): void => {
    const next = step(place, byte, element.count())
    if (next === undefined) throw notAnArray(offset, element.count())
    place = next
  }
  const complete = (end: number): Element => {
    const text = trimmed(element.take())
    for (const [at, byte] of text.entries()) if (byte === LF || byte === CR) text[at] = TAB
    element.counted()
    return { text, end }
  }
  return {
    *push(chunk) {
      const base = offset
      let start = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] as number
        offset = base + at
        if (place !== 'in an element') {
          between(byte)
          start = at
        }
        if ((place as ArrayPosition) !== 'in an element' || !leaves(byte)) continue
        element.add(chunk.subarray(start, at))
        place = 'behind an element'
        yield complete(offset)
        between(byte)
      }
      if (place === 'in an element') element.add(chunk.subarray(start))
      offset = base + chunk.length
    },
    finish() {
      if (place !== 'behind the array') throw notAnArray(offset, element.count())
      return []
    },
  }
}

/** Where a byte between elements leads to; undefined: it may not stand there. */
function step(place: ArrayPosition, byte: number, count: number): ArrayPosition | undefined {
  const bom = place === 'before the array' && (byte === 0xef || byte === 0xbb || byte === 0xbf)
  if (isBlank(byte) || bom) return place
  if (place === 'before the array') return byte === OPEN_ARRAY ? 'before an element' : undefined
  if (place === 'behind the array') return undefined
  if (byte === CLOSE_ARRAY) return place === 'behind an element' || count === 0 ? 'behind the array' : undefined
  if (place === 'behind an element') return byte === COMMA ? 'before an element' : undefined
  return byte === COMMA ? undefined : 'in an element'
}

const notAnArray = (offset: number, count: number): UserError =>
  new UserError(`The file stops being a JSON array at byte ${offset}, behind ${count} whole elements; mend it. Nothing was sent.`)
