import { isBlank } from '../../shared/json-structure.ts'
import { MAX_BODY_BYTES } from '../../shared/limits.ts'
import type { Element } from './splitter.ts'

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Collects the bytes of the current element. Of an element that is too large for a request it keeps only the start. */
export function elementBuffer() {
  let parts: Buffer[] = []
  let bytes = 0
  return {
    add(part: Buffer): void {
      if (bytes <= MAX_BODY_BYTES) parts.push(part)
      bytes += part.length
    },
    isOversized: () => bytes > MAX_BODY_BYTES,
    /** Completes the element that starts on this line of the file. Its text is empty if it has only white space. */
    take(line: number): Element {
      const text = trim(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts))
      const isOversized = bytes > MAX_BODY_BYTES && text.length > 0
      parts = []
      bytes = 0
      return { text, line, isOversized }
    },
  }
}

/** Removes what `trimLine` removes from a line of a request. */
function trim(text: Buffer): Buffer {
  let start = 0
  let end = text.length
  for (;;) {
    if (start < end && isBlank(text[start])) start += 1
    else if (text.subarray(start, start + 3).equals(BYTE_ORDER_MARK)) start += 3
    else break
  }
  while (end > start && isBlank(text[end - 1])) end -= 1
  return text.subarray(start, end)
}
