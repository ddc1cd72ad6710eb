/** The decisions of a run, taken from a list of numbers. After its end every choice is 0, which is harmless, so shorter lists make simpler runs. */
export interface Choices {
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number
  pick<T>(options: readonly T[]): T
  /** True with this probability; false at the end of the list. */
  chance(probability: number): boolean
  spent(): boolean
}

export function choicesFrom(numbers: readonly number[]): Choices {
  let at = 0
  const below = (count: number) => (numbers[at++] ?? 0) % count
  return {
    below,
    pick: <T>(options: readonly T[]) => options[below(options.length)] as T,
    chance: probability => below(1000) >= 1000 * (1 - probability),
    spent: () => at >= numbers.length,
  }
}

/** The numbers of a seed (mulberry32). */
export function numbersOf(seed: number, count: number): number[] {
  let state = seed >>> 0
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) & 0xffff
  })
}
