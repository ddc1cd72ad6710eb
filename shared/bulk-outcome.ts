import type { BulkOperation } from './bulk-operation.ts'

/** The result of one bulk operation. */
export interface BulkResult {
  readonly action: BulkOperation['action']
  /** HTTP status of the operation. */
  readonly status: number
  /** Type and reason of the error, if the status is one. */
  readonly reason: string
}

/** What the result of one bulk operation means. */
export type Outcome =
  /** In the index. */
  | 'written'
  /** The index has a newer version or, for `create`, the document; or there is nothing to delete. */
  | 'superseded'
  /** The index to write to does not exist: create it, then send the operation again. */
  | 'no_index'
  /** The cluster is busy or down, or does not accept the credentials now: send the operation again. */
  | 'retry'
  /** The cluster will never accept this document. */
  | 'refused'

export function outcomeOf({ action, status }: Pick<BulkResult, 'action' | 'status'>): Outcome {
  if (status >= 200 && status < 300) return 'written'
  if (status === 409) return 'superseded'
  if (status === 404) return action === 'delete' ? 'superseded' : 'no_index'
  if (status === 429 || status >= 500 || status === 401 || status === 403 || status === 408) return 'retry'
  return 'refused'
}
