/** Non-overlapping doubles, smallest first, whose total is an exact sum. (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997.) */
type Expansion = readonly number[]

/**
 * An exact sum of doubles that does not depend on their order. Values from 2^960 on could overflow a double together: they are
 * summed on their own, divided by 2^128.
 */
export type Sum = Expansion | { readonly parts: Expansion; readonly huge: Expansion }

const HUGE = 2 ** 960
const HUGE_SCALE = 2 ** -128

export const sum = (): Sum => []

export const add = (stored: Sum, value: number): Sum => {
  const { parts, huge } = split(stored)
  return Math.abs(value) < HUGE ? join(grow(parts, value), huge) : join(parts, grow(huge, value * HUGE_SCALE))
}

export function merge(stored: Sum, added: Sum): Sum {
  const [to, from] = [split(stored), split(added)]
  return join(from.parts.reduce(grow, to.parts), from.huge.reduce(grow, to.huge))
}

/** The mean of `count` values with this sum. Exact except for the last two bits. */
export function mean(stored: Sum, count: number): number {
  const { parts, huge } = split(stored)
  if (huge.length === 0) return total(parts) / count
  const units = unitsOf(parts) + unitsOf(huge) * BigInt(1 / HUGE_SCALE)
  return fromUnits(units / BigInt(count))
}

const split = (stored: Sum) => ('huge' in stored ? stored : { parts: stored, huge: [] })

/** Only a sum with huge values has two lists. */
const join = (parts: Expansion, huge: Expansion): Sum => (huge.length === 0 ? parts : { parts, huge })

/** The expansion with one more value: GROW-EXPANSION of Shewchuk. */
function grow(expansion: Expansion, value: number): Expansion {
  const grown: number[] = []
  let carry = value
  for (const part of expansion) {
    const total = carry + part
    const roundedPart = total - carry
    const error = carry - (total - roundedPart) + (part - roundedPart)
    if (error !== 0) grown.push(error)
    carry = total
  }
  return carry === 0 ? grown : [...grown, carry]
}

const total = (expansion: Expansion): number => expansion.reduce((sum, part) => sum + part, 0)

/** The smallest double is 2^-1074. Every double is a whole number of these units. */
const UNIT_EXPONENT = -1074
const FRACTION_BITS = 52n

/** The exact total of an expansion, in units. */
const unitsOf = (expansion: Expansion): bigint => expansion.reduce((units, part) => units + unitsOfDouble(part), 0n)

/** The fields of a double in the format IEEE 754. */
function unitsOfDouble(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, Math.abs(value))
  const bits = view.getBigUint64(0)
  const [exponent, fraction] = [bits >> FRACTION_BITS, bits & ((1n << FRACTION_BITS) - 1n)]
  const units = exponent === 0n ? fraction : (fraction | (1n << FRACTION_BITS)) << (exponent - 1n)
  return value < 0 ? -units : units
}

/** More bits than a double has. */
const KEPT_BITS = 64

/** A number of units as a double. The units must be those of a double, rounded. */
function fromUnits(units: bigint): number {
  const magnitude = units < 0n ? -units : units
  const dropped = Math.max(0, magnitude.toString(2).length - KEPT_BITS)
  const value = Number(magnitude >> BigInt(dropped)) * 2 ** (UNIT_EXPONENT + dropped)
  return units < 0n ? -value : value
}
