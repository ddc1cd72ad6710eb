import { parseJson } from '../../shared/json.ts'
import { LF, type SequenceStep, sequenceScanner } from '../../shared/json-structure.ts'
import { elementBuffer } from './element-buffer.ts'
import { oneLine } from './one-line.ts'
import type { Element, Splitter } from './splitter.ts'

/** The file is not a sequence of JSON values, or one of its values is larger than a request. */
export class NotASequence extends Error {
  override readonly name = 'NotASequence'
  readonly isOversized: boolean
  constructor(isOversized: boolean) {
    super('not a sequence of JSON values')
    this.isOversized = isOversized
  }
}

/** Splits consecutive JSON values that may have several lines. Throws NotASequence for any other file. */
export function sequenceSplitter(): Splitter {
  const scan = sequenceScanner()
  const buffer = elementBuffer()
  let [line, firstLine] = [1, 1]
  let step: SequenceStep = 'between'
  const complete = (): Element => {
    const element = buffer.take(firstLine)
    if (element.isOversized) throw new NotASequence(true)
    if (parseJson(element.text.toString()) === undefined) throw new NotASequence(false)
    return oneLine(element)
  }
  return {
    *push(chunk) {
      let start = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] as number // `at` is within the chunk
        step = scan(byte)
        if (step === 'broken') throw new NotASequence(false)
        if (step === 'start') [start, firstLine] = [at, line]
        if (byte === LF) line += 1
        if (step !== 'end') continue
        buffer.add(chunk.subarray(start, at + 1))
        yield complete()
      }
      if (step !== 'start' && step !== 'inside') return
      buffer.add(chunk.subarray(start))
      if (buffer.isOversized()) throw new NotASequence(true)
    },
    finish() {
      if (step === 'start' || step === 'inside') throw new NotASequence(false)
      return []
    },
  }
}
