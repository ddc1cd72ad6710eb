import type { ItemKey } from './state.ts'

/** A part of the state table that is read on its own: segment number `segment` of `segments`, counted from 0. */
export interface Segment {
  readonly segment: number
  readonly segments: number
}

/** Input of the reindex function: a segment of the state table, the key to continue after, and the projection if not all. */
export interface ReindexRequest extends Segment {
  readonly projection?: string
  readonly from?: ItemKey
}

/** Result of one call of the reindex function. */
export interface ReindexResult {
  readonly documents: number
  /** The key to continue after in the next call; null when the segment is done. */
  readonly next: ItemKey | null
}
