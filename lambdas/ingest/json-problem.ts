import { MAX_DEPTH, MAX_FIELDS } from '../../shared/limits.ts'

/** Why a parsed JSON value cannot be kept as it was sent, in a sentence for the sender; undefined when it can. */
export function jsonProblem(root: unknown): string | undefined {
  let fields = 0
  // A stack of our own: the value may be nested more deeply than calls can be.
  const rest: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }]
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { value, depth } = next
    if (typeof value === 'number' && !Number.isFinite(value)) return 'A number is larger than a double holds.'
    if (typeof value === 'string' && !value.isWellFormed()) return LONE_SURROGATE
    if (typeof value !== 'object' || value === null) continue
    if (depth > MAX_DEPTH) return `An event may be nested ${MAX_DEPTH} levels deep.`
    if (!Array.isArray(value)) {
      const names = Object.keys(value)
      fields += names.length
      if (fields > MAX_FIELDS) return `An event may have ${MAX_FIELDS} fields.`
      if (!names.every(name => name.isWellFormed())) return LONE_SURROGATE
    }
    for (const inner of Object.values(value)) rest.push({ value: inner, depth: depth + 1 })
  }
  return undefined
}

const LONE_SURROGATE =
  'A string holds half of a surrogate pair, which is no Unicode text; was it cut in the middle of a character?'
