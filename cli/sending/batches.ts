import { BODY_BYTES, type Element } from './elements.ts'

/** The API takes so many events a request. */
const EVENTS = 2_500
/** With a rate, requests leave about so often a second. */
const REQUESTS_PER_SECOND = 4

/** The elements of one request. */
export interface Batch {
  /** NDJSON. */
  readonly body: Buffer
  readonly count: number
  /** Byte offset behind its last element. */
  readonly end: number
}

/** How many events a request holds at most, at this rate (events a second) or as fast as can be. */
export const batchSize = (rate: number | undefined): number =>
  rate === undefined ? EVENTS : Math.min(EVENTS, Math.max(1, Math.ceil(rate / REQUESTS_PER_SECOND)))

/** Cuts elements, in their order, into requests of at most `size` events that stay below 4 MB. */
export async function* cutBatches(elements: AsyncIterable<Element> | Iterable<Element>, size: number): AsyncGenerator<Batch> {
  let open: Element[] = []
  let bytes = 0
  for await (const element of elements) {
    if (open.length === size || (open.length > 0 && bytes + element.text.length >= BODY_BYTES)) {
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
