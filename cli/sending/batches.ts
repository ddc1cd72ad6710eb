import { MAX_BODY_BYTES, MAX_EVENTS_PER_REQUEST } from '../../shared/limits.ts'
import type { Element } from './elements.ts'

/** Requests per second, about, when there is a rate limit. */
const REQUESTS_PER_SECOND = 4

/** The elements of one request. */
export interface Batch {
  /** NDJSON. */
  readonly body: Buffer
  readonly count: number
  /** Byte offset after its last element. */
  readonly end: number
}

/** The maximum number of events per request, for a rate in events per second or without a rate limit. */
export const batchSize = (rate: number | undefined): number =>
  rate === undefined
    ? MAX_EVENTS_PER_REQUEST
    : Math.min(MAX_EVENTS_PER_REQUEST, Math.max(1, Math.ceil(rate / REQUESTS_PER_SECOND)))

/** Splits elements, in order, into requests of at most `size` events and less than 4 MB. */
export async function* cutBatches(elements: AsyncIterable<Element> | Iterable<Element>, size: number): AsyncGenerator<Batch> {
  let open: Element[] = []
  let bytes = 0
  for await (const element of elements) {
    if (open.length === size || (open.length > 0 && bytes + element.text.length >= MAX_BODY_BYTES)) {
      yield closeBatch(open)
      open = []
      bytes = 0
    }
    open.push(element)
    bytes += element.text.length + 1
  }
  if (open.length > 0) yield closeBatch(open)
}

const NEWLINE = Buffer.from('\n')

const closeBatch = (elements: readonly Element[]): Batch => ({
  body: Buffer.concat(elements.flatMap(({ text }) => [text, NEWLINE])),
  count: elements.length,
  end: elements.at(-1)?.end ?? 0,
})
