import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { Dice } from './simulator.ts'

/** A random number generator with this seed. */
export function rollDice(seed: number): Dice {
  const generator = xoroshiro128plus(seed)
  const integer = (least: number, most: number): number => uniformInt(generator, least, most)
  const real = (least: number, most: number): number => least + uniformFloat64(generator) * (most - least)
  return {
    integer,
    real,
    // The Box-Muller transform makes one normal number from two uniform ones.
    normal: (mean, sigma) => mean + sigma * Math.sqrt(-2 * Math.log(1 - real(0, 1))) * Math.cos(2 * Math.PI * real(0, 1)),
    oneOf: values => values[integer(0, values.length - 1)] as (typeof values)[number],
    happens: oneIn => integer(1, oneIn) === 1,
  }
}
