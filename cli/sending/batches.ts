import { MAX_BODY_BYTES, MAX_EVENTS_PER_REQUEST } from '../../shared/limits.ts'
import type { HashedElement } from './chain.ts'

/** Requests per second, about, when there is a rate limit. */
const REQUESTS_PER_SECOND = 4

/** Consecutive elements, and the request that sends them. */
export interface Batch {
  /** Lines of JSON. Empty if no element fits into a request. */
  readonly body: Buffer
  readonly count: number
  /** The line in the file of each element of the body. */
  readonly lines: readonly number[]
  /** The lines in the file of the elements that are too large for any request. */
  readonly oversized: readonly number[]
  /** The hash of the file up to and including its last element. */
  readonly digest: string
}

/** The maximum number of events per request, for a rate in events per second or without a rate limit. */
export const batchSize = (rate: number | undefined): number =>
  rate === undefined
    ? MAX_EVENTS_PER_REQUEST
    : Math.min(MAX_EVENTS_PER_REQUEST, Math.max(1, Math.ceil(rate / REQUESTS_PER_SECOND)))

/** Bytes of an element in a body, with its line break. */
const sizeOf = ({ text }: HashedElement): number => text.length + 1

const isOversized = (element: HashedElement): boolean => element.isOversized || sizeOf(element) > MAX_BODY_BYTES

/** Splits elements, in order, into batches of at most `size` elements whose bodies have at most 4 MB. */
export async function* cutBatches(
  elements: AsyncIterable<HashedElement> | Iterable<HashedElement>,
  size: number,
): AsyncGenerator<Batch> {
  let open: HashedElement[] = []
  let bytes = 0
  for await (const element of elements) {
    const added = isOversized(element) ? 0 : sizeOf(element)
    if (open.length === size || (open.length > 0 && bytes + added > MAX_BODY_BYTES)) {
      yield closeBatch(open)
      open = []
      bytes = 0
    }
    open.push(element)
    bytes += added
  }
  if (open.length > 0) yield closeBatch(open)
}

const NEWLINE = Buffer.from('\n')

function closeBatch(elements: readonly HashedElement[]): Batch {
  const sent = elements.filter(element => !isOversized(element))
  return {
    body: Buffer.concat(sent.flatMap(({ text }) => [text, NEWLINE])),
    count: elements.length,
    lines: sent.map(({ line }) => line),
    oversized: elements.filter(isOversized).map(({ line }) => line),
    digest: elements.at(-1)?.digest ?? '',
  }
}
