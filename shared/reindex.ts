/** A segment of a parallel scan of the state table: number `segment`, from 0, of `segments`. */
export interface Segment {
  readonly segment: number
  readonly segments: number
}

/** Input of a reindex job. */
export interface ReindexInput {
  /** All projections if absent. */
  readonly projection?: string
}

/** Result of a reindex job. */
export interface ReindexResult {
  /** The indices that it wrote to: those of the deployed revisions. */
  readonly indices: readonly string[]
}
