import { isExactInteger } from '../../shared/exact-json.ts'
import { MAX_DEPTH, MAX_FIELDS } from '../../shared/limits.ts'

/** Why a parsed JSON value cannot be stored, as a sentence for the sender. Undefined if it can. */
export function jsonProblem(root: unknown): string | undefined {
  let fields = 0
  // An explicit stack: recursion would overflow the call stack on deeply nested values.
  const stack: Place[] = [{ value: root, depth: 1, name: '', parent: undefined }]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, depth } = next
    if (typeof value === 'number' && !Number.isFinite(value)) return `A number${at(next)} ${NUMBER_TOO_LARGE}`
    if (typeof value === 'string' && !value.isWellFormed()) return `A string${at(next)} ${LONE_SURROGATE}`
    if (typeof value !== 'object' || value === null || isExactInteger(value)) continue
    if (depth > MAX_DEPTH) return `The event is nested more than ${MAX_DEPTH} levels deep${at(next)}.`
    if (!Array.isArray(value)) {
      const names = Object.keys(value)
      fields += names.length
      if (fields > MAX_FIELDS) return `The event has more than ${MAX_FIELDS} fields.`
      if (!names.every(name => name.isWellFormed())) return `A field name${at(next)} ${LONE_SURROGATE}`
    }
    for (const [name, inner] of Object.entries(value)) stack.push({ value: inner, depth: depth + 1, name, parent: next })
  }
  return undefined
}

const NUMBER_TOO_LARGE = 'does not fit into a double (64-bit floating point); send it as a string.'
const LONE_SURROGATE =
  'contains half of a surrogate pair, which is not valid Unicode; check whether it was cut inside a character.'

/** A value and the way to it from the event. */
interface Place {
  readonly value: unknown
  readonly depth: number
  /** Its name in the object, or its index in the array, that contains it. */
  readonly name: string
  readonly parent: Place | undefined
}

const MAX_STEPS_SHOWN = 5

/** Where a value is, for a message: its first steps, of which only plain names and indices are shown. */
function at(place: Place): string {
  const steps: string[] = []
  for (let each: Place | undefined = place; each?.parent; each = each.parent) steps.unshift(stepTo(each))
  if (steps.length === 0) return ''
  const shown = steps.slice(0, MAX_STEPS_SHOWN).join('').replace(/^\./, '')
  return ` at ${shown}${steps.length > MAX_STEPS_SHOWN ? '…' : ''}`
}

function stepTo({ name, parent }: Place): string {
  if (Array.isArray(parent?.value)) return `[${name}]`
  return /^\w{1,64}$/.test(name) ? `.${name}` : '.?'
}
