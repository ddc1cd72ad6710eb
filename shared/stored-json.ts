import { isExactInteger, parseExact } from './exact-json.ts'
import { SafeError } from './safe-error.ts'

/** Deepest nesting of a value to store. A circular value is deeper. */
const MAX_DEPTH = 200
/** A path in a message names fields of the code. Other names could be text that a client sent. */
const FIELD_NAME = /^[A-Za-z_]\w{0,31}$/

/** Bytes of the JSON of objects that are checked and deeply frozen, so that they never change again. */
const measured = new WeakMap<object, number>()

interface Walk {
  readonly path: (string | number)[]
  /** JSON turns -0 into 0. */
  hasNegativeZero: boolean
}

/**
 * The value as the store returns it: equal to its JSON round trip, and deeply frozen. Throws a SafeError with the path of a
 * part that JSON would change: only plain objects, arrays, strings, booleans, null and finite numbers are stored, and integers that keep their digits.
 */
export function asStored<Value>(value: Value): Value {
  const walk: Walk = { path: [], hasNegativeZero: false }
  measure(value, walk)
  return walk.hasNegativeZero ? asStored(parseExact(JSON.stringify(value)) as Value) : value
}

/** Bytes of the value's JSON. Checks and freezes a value that `asStored` has not returned, and throws what it throws. */
export const storedBytes = (value: unknown): number => measure(value, { path: [], hasNegativeZero: false })

function measure(value: unknown, walk: Walk): number {
  if (value === null) return 'null'.length
  if (typeof value === 'string') return textBytes(value)
  if (typeof value === 'boolean') return String(value).length
  if (typeof value === 'number') return measureNumber(value, walk)
  if (isExactInteger(value)) return value.rawJSON.length
  if (typeof value === 'object') return measured.get(value) ?? measureObject(value, walk)
  throw changedByJson(`of the type ${typeof value}`, walk)
}

const textBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text))

function measureNumber(value: number, walk: Walk): number {
  if (!Number.isFinite(value)) throw changedByJson('not a finite number', walk)
  if (Object.is(value, -0)) walk.hasNegativeZero = true
  return String(value).length
}

function measureObject(value: object, walk: Walk): number {
  if (walk.path.length > MAX_DEPTH) throw new SafeError(`The value is circular or nested deeper than ${MAX_DEPTH} levels.`)
  const bytes = Array.isArray(value) ? measureArray(value, walk) : measureFields(value, walk)
  Object.freeze(value)
  if (!walk.hasNegativeZero) measured.set(value, bytes)
  return bytes
}

function measureArray(array: readonly unknown[], walk: Walk): number {
  const isPlain = Object.getPrototypeOf(array) === Array.prototype
  if (!isPlain || Reflect.ownKeys(array).length !== array.length + 1) throw changedByJson('not a plain array', walk)
  const commas = Math.max(0, array.length - 1)
  return array.reduce<number>((bytes, element, at) => bytes + measurePart(element, at, walk), '[]'.length + commas)
}

function measureFields(object: object, walk: Walk): number {
  const fields = Object.entries(Object.getOwnPropertyDescriptors(object))
  if (Object.getPrototypeOf(object) !== Object.prototype) throw changedByJson('not a plain object', walk)
  let bytes = '{}'.length + Math.max(0, fields.length - 1)
  for (const [name, field] of fields) {
    if (!('value' in field) || !field.enumerable) throw changedByJson('an object with computed or hidden fields', walk)
    bytes += textBytes(name) + ':'.length + measurePart(field.value, name, walk)
  }
  if (Object.getOwnPropertySymbols(object).length > 0) throw changedByJson('an object with symbols', walk)
  return bytes
}

function measurePart(part: unknown, at: string | number, walk: Walk): number {
  walk.path.push(at)
  const bytes = measure(part, walk)
  walk.path.pop()
  return bytes
}

function changedByJson(what: string, { path }: Walk): SafeError {
  const parts = path.map(at => (typeof at === 'number' ? `[${at}]` : FIELD_NAME.test(at) ? `.${at}` : '[*]'))
  return new SafeError(`JSON would change the value at ${['state', ...parts].join('')}: it is ${what}.`)
}

/** Freezes a value of JSON data and everything in it. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
