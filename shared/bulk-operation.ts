/**
 * One operation of a bulk request. Versions are external: OpenSearch ignores an operation whose version is not greater than the
 * stored one.
 */
export type BulkOperation = { readonly index: string; readonly id: string } & (
  | { readonly action: 'index'; readonly version: number; readonly document: Readonly<Record<string, unknown>> }
  | { readonly action: 'delete'; readonly version: number }
  /** Written only if the document does not exist yet. */
  | { readonly action: 'create'; readonly document: Readonly<Record<string, unknown>> }
)
