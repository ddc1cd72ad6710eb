/** The state of one store in the response of GET /v1/health. */
export interface StoreHealth {
  readonly reachable: boolean
  /** How far the store is behind, in seconds: the age of what its reader has not read, also while it fails or crashes. Null when unknown. */
  readonly lagSeconds: number | null
}

/** The response body of GET /v1/health. */
export interface Health {
  /** Whether every store is reachable. */
  readonly ok: boolean
  /** By the store's name. */
  readonly stores: Readonly<Record<string, StoreHealth>>
}
