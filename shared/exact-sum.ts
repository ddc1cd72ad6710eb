/**
 * An exact sum of doubles, whatever their order: a list of doubles that do not overlap, smallest first, and add up to it.
 * (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997, GROW-EXPANSION.) It stays a handful of numbers long.
 */
export type Sum = readonly number[]

export const sum = (): Sum => []

export function add(parts: Sum, value: number): Sum {
  const grown: number[] = []
  let carry = value
  for (const part of parts) {
    const total = carry + part
    const shadow = total - carry
    const error = carry - (total - shadow) + (part - shadow)
    if (error !== 0) grown.push(error)
    carry = total
  }
  // Beyond the largest double the sum stays there: a state must remain JSON.
  if (!Number.isFinite(carry)) return [Math.sign(carry) * Number.MAX_VALUE]
  return carry === 0 ? grown : [...grown, carry]
}

export const merge = (stored: Sum, contribution: Sum): Sum => contribution.reduce(add, stored)

/** The mean of `count` values with this sum, to the last bit or the one before. */
export const mean = (parts: Sum, count: number): number => parts.reduce((total, part) => total + part, 0) / count
