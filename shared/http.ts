/** HTTP headers by their lower-case name, as API Gateway passes them. */
export type Headers = Readonly<Record<string, string | undefined>>

/** One page of rows: the response body of every route that returns lists. */
export interface Page<Row> {
  readonly data: readonly Row[]
  /** Pass it as `cursor` to get the next page. Null on the last page. */
  readonly cursor: string | null
}
