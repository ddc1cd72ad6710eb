/** Draws of one seed: the same seed gives the same draws. */
export interface Dice {
  /** An integer, both ends included. */
  integer(least: number, most: number): number
  /** A real number, the upper end excluded. */
  real(least: number, most: number): number
  normal(mean: number, sigma: number): number
  oneOf<T>(values: readonly T[]): T
  /** True once in so many throws, on average. */
  happens(oneIn: number): boolean
}

/** What one run of a simulator is given. */
export interface Run {
  /** Epoch seconds at which its simulated time begins. */
  readonly start: number
  readonly dice: Dice
  /** The explicit id of event number `n`: the same in a run of the same seed. */
  id(n: number): string
  /** The addresses that visits are made to. */
  readonly urls: readonly string[]
}

export interface Simulator {
  readonly about: string
  /** The event type of its rows. */
  readonly type: string
  /** How many rows a run has unless it is told. */
  readonly count: number
  /** Seconds of simulated time from one row to the next. */
  readonly secondsBetween: number
  /** Rows without end. */
  rows(run: Run): Generator<Readonly<Record<string, unknown>>, never>
}
