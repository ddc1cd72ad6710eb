import type { Document } from '../grain.ts'
import { formatBytes, MAX_DOCUMENT_BYTES } from '../limits.ts'
import type { Projection } from '../projection.ts'
import { describeError, SafeError } from '../safe-error.ts'
import { indexOf } from '../search-index.ts'
import type { PartItem, UserItem } from '../state.ts'

/**
 * The document that a projection returned. Throws if it is not a JSON object or larger than MAX_DOCUMENT_BYTES: what cannot be sent
 * must not stop the stream.
 */
export function checkedDocument(document: Document): Document {
  const text: string | undefined = JSON.stringify(document)
  if (!text?.startsWith('{')) throw new SafeError('A document must be a JSON object.')
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
    throw new SafeError(`A document must not be larger than ${formatBytes(MAX_DOCUMENT_BYTES)}.`)
  return document
}

/** The document of these items, or why it could not be made: without event data, so that it may be logged. */
export function tryDocument(
  projection: Projection,
  items: readonly (UserItem | PartItem)[],
): { readonly document: Document } | { readonly reason: string } {
  try {
    return { document: projection.grain.document(projection, items) }
  } catch (error) {
    return { reason: `The document of ${indexOf(projection)} could not be made: ${describeError(error)}` }
  }
}
