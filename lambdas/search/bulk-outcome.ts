import type { BulkResult } from './opensearch.ts'

/** What an answer to one operation means. */
export type Outcome =
  /** In the index. */
  | 'written'
  /** The index already holds this version or a newer one, or has nothing to delete. */
  | 'superseded'
  /** The cluster is busy or down: send it again. */
  | 'retry'
  /** The document can never be written as it is. */
  | 'refused'

export function outcomeOf({ status }: BulkResult): Outcome {
  if (status >= 200 && status < 300) return 'written'
  if (status === 409 || status === 404) return 'superseded'
  if (status === 429 || status >= 500 || status === 401 || status === 403 || status === 408) return 'retry'
  return 'refused'
}
