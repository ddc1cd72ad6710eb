import { isExactInteger } from '../../shared/exact-json.ts'
import { MAX_DEPTH, MAX_FIELDS } from '../../shared/limits.ts'

/** Why a parsed JSON value cannot be stored, as a sentence for the sender. Undefined if it can. */
export function jsonProblem(root: unknown): string | undefined {
  let fields = 0
  // An explicit stack: recursion would overflow the call stack on deeply nested values.
  const stack: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, depth } = next
    if (typeof value === 'number' && !Number.isFinite(value)) return NUMBER_TOO_LARGE
    if (typeof value === 'string' && !value.isWellFormed()) return LONE_SURROGATE
    if (typeof value !== 'object' || value === null || isExactInteger(value)) continue
    if (depth > MAX_DEPTH) return `The event is nested more than ${MAX_DEPTH} levels deep.`
    if (!Array.isArray(value)) {
      const names = Object.keys(value)
      fields += names.length
      if (fields > MAX_FIELDS) return `The event has more than ${MAX_FIELDS} fields.`
      if (!names.every(name => name.isWellFormed())) return LONE_SURROGATE
    }
    for (const inner of Object.values(value)) stack.push({ value: inner, depth: depth + 1 })
  }
  return undefined
}

const NUMBER_TOO_LARGE = 'A number does not fit into a double (64-bit floating point); send it as a string.'
const LONE_SURROGATE =
  'A string contains half of a surrogate pair, which is not valid Unicode; check whether it was cut inside a character.'
