/** Deepest nesting of an event, the event itself included. */
export const DEPTH = 32
/** Most named fields of an event, at all depths. */
export const FIELDS = 2000

/** Why a parsed JSON value cannot be kept as it was sent, in a sentence for the sender; undefined when it can. */
export function jsonProblem(root: unknown): string | undefined {
  let fields = 0
  // A stack of our own: the value may be nested more deeply than calls can be.
  const rest: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }]
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { value, depth } = next
    if (typeof value === 'number' && !Number.isFinite(value)) return 'A number is larger than a double holds.'
    if (typeof value === 'string' && !value.isWellFormed()) return HALF_A_PAIR
    if (typeof value !== 'object' || value === null) continue
    if (depth > DEPTH) return `An event may be nested ${DEPTH} levels deep.`
    if (!Array.isArray(value)) {
      const names = Object.keys(value)
      fields += names.length
      if (fields > FIELDS) return `An event may have ${FIELDS} fields.`
      if (!names.every(name => name.isWellFormed())) return HALF_A_PAIR
    }
    for (const inner of Object.values(value)) rest.push({ value: inner, depth: depth + 1 })
  }
  return undefined
}

const HALF_A_PAIR = 'A string holds half of a surrogate pair, which is no Unicode text; was it cut in the middle of a character?'
