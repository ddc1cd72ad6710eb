import fc from 'fast-check'
import { parseJson } from '../../shared/json.ts'
import { describeJsonError, jsonError } from '../../shared/json-error.ts'

test.each([
  ['', 'line 1, column 1: the text ends before the value does'],
  ['{"a":1', 'line 1, column 7: the text ends before the value does'],
  ['{"a":NaN}', 'line 1, column 6: a value is expected'],
  ['{"a":01}', 'line 1, column 7: a comma or } is expected'],
  ['[1,]', 'line 1, column 4: a value is expected'],
  ['[1 2]', 'line 1, column 4: a comma or ] is expected'],
  ['{"a":1,}', 'line 1, column 8: a name in double quotes is expected'],
  ["{'a':1}", 'line 1, column 2: a name in double quotes is expected'],
  ['{"a" 1}', 'line 1, column 6: a colon is expected'],
  ['{"a":1}{"b":2}', 'line 1, column 8: only white space is allowed after the value'],
  ['{"a":"b', 'line 1, column 8: the text ends inside a string'],
  ['{"a":"b\tc"}', 'line 1, column 8: a control character in a string must be escaped'],
  ['{"a":"b\\xc"}', 'line 1, column 8: this backslash does not begin an escape of JSON'],
  ['{\n "😀": 1,\n "ü😀"= 2\n}', 'line 3, column 6: a colon is expected'],
])('the error in %j is at %s', (text, description) => {
  expect(describeJsonError(text)).toBe(description)
  expect(parseJson(text)).toBeUndefined()
})

const tokens = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"a"',
  '"\\u00e9"',
  '"\\x"',
  '"\n"',
  '1',
  '-0',
  '1e5',
  '.5',
  'true',
  'nul',
  ' ',
  '\t',
  '\f',
]

test('text has an error if and only if JSON.parse rejects it', () => {
  const texts = fc.oneof(
    fc.array(fc.constantFrom(...tokens), { maxLength: 12 }).map(parts => parts.join('')),
    fc.json(),
    fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...tokens)).map(([text, at, token]) => {
      const cut = at % (text.length + 1)
      return text.slice(0, cut) + token + text.slice(cut + 1)
    }),
  )
  fc.assert(
    fc.property(texts, text => {
      expect(jsonError(text) === undefined).toBe(parseJson(text) !== undefined)
    }),
    { numRuns: 3000 },
  )
})

test('deep and long text is searched to its end', () => {
  expect(jsonError('['.repeat(2e6))).toMatchObject({ at: 2e6 })
  expect(jsonError(`["${'x'.repeat(4e6)}",${'9'.repeat(4e6)}x]`)).toMatchObject({ at: 8e6 + 4 })
})
