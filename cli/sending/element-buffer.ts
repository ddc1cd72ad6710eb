import { formatBytes, MAX_BODY_BYTES } from '../../shared/limits.ts'
import { UserError } from '../../shared/user-error.ts'

export const [TAB, LF, CR] = [0x09, 0x0a, 0x0d]
const SPACE = 0x20
export const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c]
export const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

export const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB || byte === LF || byte === CR

/** Collects the bytes of the current element and counts the complete elements, starting at `count`. */
export function elementBuffer(count: number) {
  let parts: Buffer[] = []
  let bytes = 0
  return {
    count: () => count,
    /** Throws a UserError when the element is too large for a request. */
    add(part: Buffer): void {
      parts.push(part)
      bytes += part.length
      if (bytes > MAX_BODY_BYTES)
        throw new UserError(
          `Element ${count} of the file is larger than ${formatBytes(MAX_BODY_BYTES)}, the limit of a request. Nothing was sent. Remove the element.`,
        )
    },
    /** Completes the element. Returns its text without surrounding white space; empty text is not counted. */
    take(): Buffer {
      const text = trim(Buffer.concat(parts))
      parts = []
      bytes = 0
      if (text.length > 0) count += 1
      return text
    },
  }
}

function trim(text: Buffer): Buffer {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start += 1
  while (end > start && isBlank(text[end - 1])) end -= 1
  return text.subarray(start, end)
}
