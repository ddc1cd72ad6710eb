/** A seeded random number generator: the same seed gives the same numbers. */
export interface Dice {
  /** An integer between `least` and `most`, both included. */
  integer(least: number, most: number): number
  /** A real number from `least` to below `most`. */
  real(least: number, most: number): number
  /** A normally distributed number. */
  normal(mean: number, sigma: number): number
  oneOf<T>(values: readonly T[]): T
  /** True in one of `oneIn` calls, on average. */
  happens(oneIn: number): boolean
}

/** The inputs of one run of a simulator. */
export interface Run {
  /** Start of the simulated time, in epoch seconds. */
  readonly start: number
  readonly dice: Dice
  /** The explicit id of event number `n`; runs with the same seed have the same ids. */
  id(n: number): string
  /** The addresses that visits go to. */
  readonly urls: readonly string[]
}

export interface Simulator {
  readonly about: string
  /** The event type of its rows. */
  readonly type: string
  /** The default number of rows. */
  readonly count: number
  /** Seconds of simulated time from one row to the next. */
  readonly secondsBetween: number
  /** An endless sequence of rows. */
  rows(run: Run): Generator<Readonly<Record<string, unknown>>, never>
}
