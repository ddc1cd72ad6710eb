import fc from 'fast-check'
import { parseJson } from '../../shared/json.ts'
import { parseShallow, withExactIntegersOf } from '../../shared/json-depth.ts'
import { MAX_PARSED_DEPTH } from '../../shared/limits.ts'

/** A value without the content of the arrays and objects at a level. */
function cutAt(levels: number, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return levels === 1 ? [] : value.map(inner => cutAt(levels - 1, inner))
  return levels === 1 ? {} : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cutAt(levels - 1, inner)]))
}

const deep = fc.jsonValue({ maxDepth: 8 })

/** Wraps a value in arrays, so that its levels are around the greatest depth. */
const wrapped = fc
  .tuple(deep, fc.integer({ min: MAX_PARSED_DEPTH - 5, max: MAX_PARSED_DEPTH + 1 }))
  .map(([value, levels]) => `${'[["]\\\\",'.repeat(levels >> 1)}${JSON.stringify(value)}${']]'.repeat(levels >> 1)}`)

test('the value of any JSON is that of JSON.parse, without the content of the deepest brackets', () => {
  fc.assert(
    fc.property(wrapped, text => {
      expect(parseShallow(text)).toEqual(cutAt(MAX_PARSED_DEPTH, JSON.parse(text)))
    }),
    { numRuns: 500 },
  )
})

test('text that is not JSON has no value, wherever it is wrong', () => {
  fc.assert(
    fc.property(wrapped, fc.nat(), fc.constantFrom('', '"', '[', ']', '{', '}', ',', '1', '\\', ' '), (text, at, replacement) => {
      const place = at % text.length
      const changed = `${text.slice(0, place)}${replacement}${text.slice(place + 1)}`
      expect(parseShallow(changed) === undefined).toBe(parseJson(changed) === undefined)
    }),
    { numRuns: 1000 },
  )
})

test('long integers keep their digits beside values that are nested too deeply', () => {
  const text = `[12345678901234567891,${'['.repeat(50_000)}12345678901234567891${']'.repeat(50_000)}]`
  const value = withExactIntegersOf(parseShallow(text), text)
  expect(JSON.stringify(value)).toBe(
    `[12345678901234567891,${'['.repeat(MAX_PARSED_DEPTH - 1)}${']'.repeat(MAX_PARSED_DEPTH - 1)}]`,
  )
})
