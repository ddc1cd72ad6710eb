/**
 * An exact sum of doubles that does not depend on their order: a short list of non-overlapping doubles, smallest first, whose
 * total is the sum. (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997, GROW-EXPANSION.)
 */
export type Sum = readonly number[]

export const sum = (): Sum => []

export function add(parts: Sum, value: number): Sum {
  const grown: number[] = []
  let carry = value
  for (const part of parts) {
    const total = carry + part
    const roundedPart = total - carry
    const error = carry - (total - roundedPart) + (part - roundedPart)
    if (error !== 0) grown.push(error)
    carry = total
  }
  // The sum stops at the largest double, because JSON has no infinity.
  if (!Number.isFinite(carry)) return [Math.sign(carry) * Number.MAX_VALUE]
  return carry === 0 ? grown : [...grown, carry]
}

export const merge = (stored: Sum, added: Sum): Sum => added.reduce(add, stored)

/** The mean of `count` values with this sum. Exact except for the last two bits. */
export const mean = (parts: Sum, count: number): number => parts.reduce((total, part) => total + part, 0) / count
