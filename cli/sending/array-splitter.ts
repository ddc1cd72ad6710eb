import { CLOSE_ARRAY, COMMA, isBlank, jsonStructure, LF, OPEN_ARRAY } from '../../shared/json-structure.ts'
import { UserError } from '../../shared/user-error.ts'
import { elementBuffer } from './element-buffer.ts'
import { oneLine } from './one-line.ts'
import type { Splitter } from './splitter.ts'

type Position = 'before array' | 'before element' | 'in element' | 'after element' | 'after array'

/** Splits one JSON array. Finds where elements end without parsing them, so that their bytes do not change. */
export function arraySplitter(): Splitter {
  const buffer = elementBuffer()
  let structure = jsonStructure()
  let position: Position = 'before array'
  let [offset, count, line, firstLine] = [0, 0, 1, 1]

  const next = (current: Position, byte: number): Position => {
    const following = nextPosition(current, byte, count)
    if (following === undefined) throw notAnArray(offset, line, count)
    return following
  }
  const endsElement = (byte: number): boolean => {
    const ends = structure.depth() === 0 && !structure.inString() && (byte === COMMA || byte === CLOSE_ARRAY)
    if (!ends && !structure.push(byte)) throw notAnArray(offset, line, count)
    return ends
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
          ;[start, firstLine] = [at, line]
        }
        if (byte === LF) line += 1
        if (position !== 'in element' || !endsElement(byte)) continue
        buffer.add(chunk.subarray(start, at))
        count += 1
        yield oneLine(buffer.take(firstLine))
        structure = jsonStructure()
        position = next('after element', byte)
      }
      if (position === 'in element') buffer.add(chunk.subarray(start))
      offset = base + chunk.length
    },
    finish() {
      if (position !== 'after array') throw notAnArray(offset, line, count)
      return []
    },
  }
}

/** The position after a byte outside of elements; undefined if the byte is not allowed at the current position. */
function nextPosition(current: Position, byte: number, count: number): Position | undefined {
  if (isBlank(byte)) return current
  if (current === 'before array') return byte === OPEN_ARRAY ? 'before element' : undefined
  if (current === 'after array') return undefined
  if (byte === CLOSE_ARRAY) return current === 'after element' || count === 0 ? 'after array' : undefined
  if (current === 'after element') return byte === COMMA ? 'before element' : undefined
  return byte === COMMA ? undefined : 'in element'
}

const notAnArray = (offset: number, line: number, count: number): UserError =>
  new UserError(
    `The file is not a valid JSON array at byte ${offset} (line ${line}), after ${count} elements. Nothing was sent. Fix the file.`,
  )
