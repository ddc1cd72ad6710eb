import type { ItemKey } from './state.ts'

/** A segment of a parallel scan of the state table: number `segment`, from 0, of `segments`. */
export interface Segment {
  readonly segment: number
  readonly segments: number
}

/** Input of the reindex function. */
export interface ReindexRequest extends Segment {
  /** All projections if absent. */
  readonly projection?: string
  /** The key to continue after; absent in the first call. */
  readonly from?: ItemKey
}

/** Result of one call of the reindex function. */
export interface ReindexResult {
  /** Documents written by this call. */
  readonly documents: number
  /** `from` of the next call; null when the segment is done. */
  readonly next: ItemKey | null
  /** The indices that this call writes to: those of the deployed revisions. */
  readonly indices: readonly string[]
}
