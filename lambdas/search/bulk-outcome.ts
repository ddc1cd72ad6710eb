import type { BulkResult } from './opensearch.ts'

/** What the result of one bulk operation means. */
export type Outcome =
  /** In the index. */
  | 'written'
  /** The index has a newer version or, for `create`, the document; or it has nothing to delete. */
  | 'superseded'
  /** The cluster is busy or down, or does not accept the credentials now: send the operation again. */
  | 'retry'
  /** The cluster will never accept this document. */
  | 'refused'

export function outcomeOf({ status }: BulkResult): Outcome {
  if (status >= 200 && status < 300) return 'written'
  if (status === 409 || status === 404) return 'superseded'
  if (status === 429 || status >= 500 || status === 401 || status === 403 || status === 408) return 'retry'
  return 'refused'
}
