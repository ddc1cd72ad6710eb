import { isExactInteger } from '../../shared/exact-json.ts'
import { MAX_DEPTH, MAX_FIELDS } from '../../shared/limits.ts'

/** Why a parsed JSON value cannot be stored, as a sentence for the sender. Undefined if it can. */
export const jsonProblem = (root: unknown): string | undefined =>
  problemIn({ value: root, depth: 1, name: '', parent: undefined }, { fields: 0 })

/** The first problem of a value. It recurses at most MAX_DEPTH times, and makes no object for a number or a text: an event may have millions. */
function problemIn(place: Place, seen: { fields: number }): string | undefined {
  const { value, depth } = place
  if (!isContainer(value)) return scalarProblem(value, place)
  if (depth > MAX_DEPTH) return `The event is nested more than ${MAX_DEPTH} levels deep${at(place)}.`
  const names = Array.isArray(value) ? undefined : Object.keys(value)
  seen.fields += names?.length ?? 0
  if (seen.fields > MAX_FIELDS) return `The event has more than ${MAX_FIELDS} fields.`
  if (names && !names.every(name => name.isWellFormed())) return `A field name${at(place)} ${LONE_SURROGATE}`
  const count = names?.length ?? (value as readonly unknown[]).length
  for (let n = 0; n < count; n++) {
    const name = names?.[n] ?? n
    const inner: unknown = (value as Record<string | number, unknown>)[name]
    const isFine = !isContainer(inner) && isStorable(inner)
    const problem = isFine ? undefined : problemIn({ value: inner, depth: depth + 1, name: String(name), parent: place }, seen)
    if (problem) return problem
  }
  return undefined
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null && !isExactInteger(value)

const isStorable = (scalar: unknown): boolean =>
  typeof scalar === 'number' ? Number.isFinite(scalar) : typeof scalar !== 'string' || scalar.isWellFormed()

function scalarProblem(scalar: unknown, place: Place): string | undefined {
  if (isStorable(scalar)) return undefined
  return typeof scalar === 'number' ? `A number${at(place)} ${NUMBER_TOO_LARGE}` : `A string${at(place)} ${LONE_SURROGATE}`
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
