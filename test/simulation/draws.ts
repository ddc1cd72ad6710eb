import { readSums } from './projections.ts'

/** What one commit of a user's item decided for one window of `sums`: the number that its folds drew. */
export interface Draw {
  readonly user: string
  readonly start: number
  readonly order: number
  readonly draw: number
}

interface StoredDelta {
  readonly projection: string
  readonly start: number
  readonly ord: number
  readonly state: unknown
}

/** The numbers in a stored outbox. */
export const drawsOf = (user: string, outbox: string): Draw[] =>
  (JSON.parse(outbox) as StoredDelta[])
    .filter(({ projection }) => projection === 'sums-r1')
    .map(({ start, ord, state }) => ({ user, start, order: ord, draw: readSums(state).draw }))
