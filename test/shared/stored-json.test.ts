import fc from 'fast-check'
import { asStored, deepFreeze, mostStoredBytes, storedBytes } from '../../shared/stored-json.ts'

const isDeeplyFrozen = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen))

test('every JSON value is stored as its JSON round trip, measured as its text, and frozen', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
      const text = JSON.stringify(value)
      const stored = asStored(value)
      expect(stored).toEqual(JSON.parse(text))
      expect(storedBytes(stored)).toBe(Buffer.byteLength(text))
      expect(mostStoredBytes(stored)).toBeGreaterThanOrEqual(Buffer.byteLength(text))
      expect(isDeeplyFrozen(stored)).toBe(true)
    }),
  )
})

test('whatever else a value contains: it is refused, or its JSON round trip is used', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withSparseArray: true })
  fc.assert(
    fc.property(anything, value => {
      let stored: unknown
      try {
        stored = asStored(value)
      } catch {
        return
      }
      expect(stored).toStrictEqual(JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 1000 },
  )
})

test.each([
  ['the longest number', -0.0000012345678901234567],
  ['control characters', '\u0000\u0001'],
  ['half of a surrogate pair', '\ud800'],
  ['a short name', { '\u0002': false }],
])('the upper bound holds for %s', (_, value) => {
  expect(mostStoredBytes(value)).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(value)))
})

test('only what is the same object as before is not checked again', () => {
  const before = asStored({ list: [{ n: 1 }, { n: 2 }], other: [1] })
  const [first, second] = before.list
  const after = asStored({ list: [{ n: 0 }, first, second], other: before.other }, before)
  expect(isDeeplyFrozen(after)).toBe(true)
  for (const list of [
    [{ n: Number.NaN }, first],
    [first, { n: Number.NaN }],
    [first, second, { n: Number.NaN }],
  ])
    expect(() => asStored({ list }, before)).toThrow('it is not a finite number')
  const shared = { n: Number.NaN }
  expect(() => asStored({ shared }, { shared })).toThrow('state.shared.n')
})

test('-0 becomes 0, wherever it is', () => {
  const shared = { n: -0 }
  expect(asStored(-0)).toBe(0)
  expect(asStored([shared, { shared }])).toStrictEqual([{ n: 0 }, { shared: { n: 0 } }])
  expect(asStored({ shared })).toStrictEqual({ shared: { n: 0 } })
})

class Point {
  readonly x = 1
}
const circle: unknown[] = []
circle.push(circle)

test.each([
  ['undefined', { a: [1, { b: undefined }] }, 'state.a[1].b: it is of the type undefined'],
  ['NaN', { n: Number.NaN }, 'state.n: it is not a finite number'],
  ['Infinity', [Number.POSITIVE_INFINITY], 'state[0]: it is not a finite number'],
  ['a bigint', { n: 1n }, 'state.n: it is of the type bigint'],
  ['a function', { toJSON: () => 1 }, 'state.toJSON: it is of the type function'],
  ['a Date', { at: new Date(0) }, 'state.at: it is not a plain object'],
  ['a Set', { ids: new Set() }, 'state.ids: it is not a plain object'],
  ['a Map', new Map(), 'state: it is not a plain object'],
  ['a class', [new Point()], 'state[0]: it is not a plain object'],
  ['an object without prototype', Object.create(null), 'state: it is not a plain object'],
  ['bytes', new Uint8Array(2), 'state: it is not a plain object'],
  ['a hole', Object.assign(new Array(2), { 0: 1 }), 'state: it is not a plain array'],
  ['a named field of an array', Object.assign([1], { more: 1 }), 'state: it is not a plain array'],
  ['a getter', Object.defineProperty({}, 'n', { get: () => 1, enumerable: true }), 'computed or hidden fields'],
  ['a hidden field', Object.defineProperty({}, 'n', { value: 1 }), 'computed or hidden fields'],
  ['a symbol', { [Symbol('s')]: 1 }, 'an object with symbols'],
  ['a circle', circle, 'circular'],
])('%s is refused with its path', (_, value, message) => {
  expect(() => asStored(value)).toThrow(message)
})

test('the path names fields, not text that a client may have sent', () => {
  expect(() => asStored({ users: { 'anna@example.org': { n: Number.NaN } } })).toThrow('state.users[*].n')
})

test('events are frozen whatever they contain', () => {
  const event = deepFreeze({ time: 1n, data: { list: [{ n: 1 }] } })
  expect(isDeeplyFrozen(event)).toBe(true)
})
