import { isExactInteger, parseExact } from './exact-json.ts'
import { SafeError } from './safe-error.ts'

/** Deepest nesting of a value to store. A circular value is deeper. */
const MAX_DEPTH = 200
/** A path in a message names fields of the code. Other names could be text that a client sent. */
const FIELD_NAME = /^[A-Za-z_]\w{0,31}$/

interface Walk {
  readonly path: (string | number)[]
  /** JSON turns -0 into 0. */
  hasNegativeZero: boolean
}

/**
 * The value as the store returns it: equal to its JSON round trip, and deeply frozen. Throws a SafeError with the path of a
 * part that JSON would change: only plain objects, arrays, strings, booleans, null and finite numbers are stored, and integers that keep their digits.
 * Parts that are the same objects as in `before`, which this function has returned, are not checked again.
 */
export function asStored<Value>(value: Value, before?: unknown): Value {
  const walk: Walk = { path: [], hasNegativeZero: false }
  check(value, before, walk)
  return walk.hasNegativeZero ? asStored(parseExact(JSON.stringify(value)) as Value) : value
}

/** Bytes of the JSON of a value that `asStored` has returned. */
export const storedBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

/** Characters of the longest number in JSON, such as -0.0000012345678901234567. */
const MAX_NUMBER_BYTES = 25
/** Bytes of a character that JSON escapes. */
const MAX_CHARACTER_BYTES = 6

/** A quick upper bound of `storedBytes`. */
export function mostStoredBytes(value: unknown): number {
  if (typeof value === 'string') return MAX_CHARACTER_BYTES * value.length + '""'.length
  if (typeof value !== 'object' || value === null) return MAX_NUMBER_BYTES
  if (isExactInteger(value)) return value.rawJSON.length
  let bytes = '{}'.length
  if (Array.isArray(value)) for (const element of value) bytes += mostStoredBytes(element) + ','.length
  else
    for (const name of Object.keys(value))
      bytes += mostStoredBytes(name) + ':,'.length + mostStoredBytes((value as JsonFields)[name])
  return bytes
}

function check(value: unknown, before: unknown, walk: Walk): void {
  if (typeof value === 'number') checkNumber(value, walk)
  else if (typeof value === 'object') {
    const isKnown = value === null || (value === before && Object.isFrozen(value))
    if (!isKnown) checkObject(value, before, walk)
  } else if (typeof value !== 'string' && typeof value !== 'boolean') throw changedByJson(`of the type ${typeof value}`, walk)
}

function checkNumber(value: number, walk: Walk): void {
  if (!Number.isFinite(value)) throw changedByJson('not a finite number', walk)
  if (Object.is(value, -0)) walk.hasNegativeZero = true
}

function checkObject(value: object, before: unknown, walk: Walk): void {
  if (walk.path.length > MAX_DEPTH) throw new SafeError(`The value is circular or nested deeper than ${MAX_DEPTH} levels.`)
  const old = typeof before === 'object' && before !== null ? before : {}
  if (Array.isArray(value)) checkArray(value, old as readonly unknown[], walk)
  else if (!isExactInteger(value)) checkFields(value, old as JsonFields, walk)
  Object.freeze(value)
}

/** An element that is new in an array moves those after it by one. */
function checkArray(array: readonly unknown[], before: readonly unknown[], walk: Walk): void {
  const isPlain = Object.getPrototypeOf(array) === Array.prototype
  if (!isPlain || Reflect.ownKeys(array).length !== array.length + 1) throw changedByJson('not a plain array', walk)
  let moved = 0
  for (let at = 0; at < array.length; at++) {
    if (array[at] !== before[at + moved] && array[at] === before[at - 1]) moved = -1
    checkPart(array[at], before[at + moved], at, walk)
  }
}

type JsonFields = Readonly<Record<string, unknown>>

function checkFields(object: object, before: JsonFields, walk: Walk): void {
  if (Object.getPrototypeOf(object) !== Object.prototype) throw changedByJson('not a plain object', walk)
  for (const name of Object.getOwnPropertyNames(object)) {
    const field = Object.getOwnPropertyDescriptor(object, name)
    if (!field?.enumerable || !('value' in field)) throw changedByJson('an object with computed or hidden fields', walk)
    checkPart(field.value, before[name], name, walk)
  }
  if (Object.getOwnPropertySymbols(object).length > 0) throw changedByJson('an object with symbols', walk)
}

function checkPart(part: unknown, before: unknown, at: string | number, walk: Walk): void {
  walk.path.push(at)
  check(part, before, walk)
  walk.path.pop()
}

function changedByJson(what: string, { path }: Walk): SafeError {
  const parts = path.map(at => (typeof at === 'number' ? `[${at}]` : FIELD_NAME.test(at) ? `.${at}` : '[*]'))
  return new SafeError(`JSON would change the value at ${['state', ...parts].join('')}: it is ${what}.`)
}

/** Freezes a value of JSON data and everything in it. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) for (const element of value) deepFreeze(element)
  else for (const name of Object.keys(value)) deepFreeze((value as JsonFields)[name])
  return Object.freeze(value)
}
