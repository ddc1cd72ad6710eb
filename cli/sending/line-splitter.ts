import { elementBuffer, LF } from './element-buffer.ts'
import type { Element, Splitter, StartPosition } from './elements.ts'

/** Splits JSON lines. Drops white space around lines and skips blank lines, as the API does. */
export function lineSplitter(from: StartPosition): Splitter {
  const line = elementBuffer(from.count)
  let offset = from.offset
  function* finish(): Generator<Element> {
    const text = line.take()
    if (text.length > 0) yield { text, end: offset }
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
        if (newline >= 0) yield* finish()
      }
    },
    finish,
  }
}
