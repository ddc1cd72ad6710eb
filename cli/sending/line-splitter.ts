import { LF } from '../../shared/json-structure.ts'
import { elementBuffer } from './element-buffer.ts'
import type { Element, Splitter } from './splitter.ts'

/** Splits JSON lines. Drops white space around lines and skips blank lines, as the API does. */
export function lineSplitter(): Splitter {
  const buffer = elementBuffer()
  let line = 1
  function* finish(): Generator<Element> {
    const element = buffer.take(line)
    line += 1
    if (element.text.length > 0) yield element
  }
  return {
    *push(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const newline = chunk.indexOf(LF, at)
        const stop = newline < 0 ? chunk.length : newline
        buffer.add(chunk.subarray(at, stop))
        at = stop + 1
        if (newline >= 0) yield* finish()
      }
    },
    finish,
  }
}
