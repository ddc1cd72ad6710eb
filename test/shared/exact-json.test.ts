import fc from 'fast-check'
import { parseExact, toNumber, withExactIntegers } from '../../shared/exact-json.ts'
import { isObject } from '../../shared/json.ts'
import { asStored, storedBytes } from '../../shared/stored-json.ts'

/** The text of the value that was read from a text. */
const again = (text: string) => JSON.stringify(parseExact(text))

test.each([
  '9007199254740993',
  '-9007199254740993',
  '10000000000000001',
  '12345678901234567890',
  '1000000000000000000000001',
  '[1,{"a":[18446744073709551615],"b":"12345678901234567890"}]',
  '{"__proto__":12345678901234567891,"constructor":1}',
])('%s keeps its digits, when it is read and when it is stored', text => {
  expect(again(text)).toBe(text)
  const stored = asStored(parseExact(text))
  expect(JSON.stringify(stored)).toBe(text)
  expect(storedBytes(stored)).toBe(text.length)
})

test.each([
  ['9007199254740993.5', 2 ** 53 + 2],
  ['9007199254740993e0', 2 ** 53],
  ['9007199254740991', 9007199254740991],
  [String(2 ** 60), 2 ** 60],
  ['1000000000000000000000', 1e21],
  ['0.1234567890123456789', 0.12345678901234568],
])('%s is a number', (text, value) => {
  expect(toNumber(parseExact(text))).toBe(value)
})

test('an integer that is too large for a double is infinite, as with JSON.parse', () => {
  expect(parseExact('9'.repeat(400))).toBe(Number.POSITIVE_INFINITY)
})

test('a number that JSON.stringify wrote is a number when it is read: states hold large doubles', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 0, max: 100 }), (value, exponent) => {
      for (const number of [value, Math.round(value), 2 ** exponent]) {
        const read = parseExact(JSON.stringify([number, 9234567890123456]))
        expect(read).toEqual([number === 0 ? 0 : number, 9234567890123456])
      }
    }),
  )
})

test('other text is read as with JSON.parse, and keeps its digits', () => {
  const numbers = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String)
  fc.assert(
    fc.property(fc.json(), numbers, (text, digits) => {
      expect(again(text)).toBe(JSON.stringify(JSON.parse(text)))
      expect(again(`{"a":${text},"b":[${digits}]}`)).toBe(`{"a":${JSON.stringify(JSON.parse(text))},"b":[${digits}]}`)
    }),
  )
})

test('text that is not JSON throws, and text that is nested too deeply for a reviver is read without digits', () => {
  expect(() => parseExact('{"a":12345678901234567890')).toThrow(SyntaxError)
  expect(Array.isArray(parseExact(`${'['.repeat(2e5)}12345678901234567890${']'.repeat(2e5)}`))).toBe(true)
  expect(withExactIntegers(undefined, '1234567890123456{')).toBeUndefined()
})

test('an integer with its digits is no object', () => {
  expect(isObject(parseExact('12345678901234567890'))).toBe(false)
})
