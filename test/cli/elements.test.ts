import fc from 'fast-check'
import { cutBatches } from '../../cli/sending/batches.ts'
import { type Element, formOf, readElements, type StartPosition } from '../../cli/sending/elements.ts'
import { identify } from '../../cli/sending/identify.ts'
import { MAX_BODY_BYTES } from '../../shared/limits.ts'

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const value of values) collected.push(value)
  return collected
}

const start: StartPosition = { offset: 0, count: 0 }

/** The text in chunks of these sizes, then the rest. */
async function* chunked(text: string, sizes: readonly number[] = []): AsyncGenerator<Buffer> {
  let rest = Buffer.from(text)
  for (const size of sizes) {
    yield rest.subarray(0, size)
    rest = rest.subarray(size)
  }
  yield rest
}

const read = (text: string, sizes: readonly number[] = [], from = start): Promise<Element[]> =>
  collect(readElements(chunked(text, sizes), formOf(Buffer.from(text)), from))
const textsOf = async (text: string, sizes: readonly number[] = []): Promise<string[]> =>
  (await read(text, sizes)).map(element => element.text.toString())

const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 50 })

test('JSON lines: white space around lines is dropped, blank lines are skipped, invalid JSON is kept', async () => {
  expect(await textsOf('{"a":1}\r\n\n  {"b":\n \t \n{"c":3}')).toEqual(['{"a":1}', '{"b":', '{"c":3}'])
})

test('array elements keep their bytes, whatever they contain', async () => {
  const text = '[ {"a":"],{\\"\\\\"} ,12345678901234567890, [1,[2]],"x,y" , {"b":{}}\n]\n'
  expect(await textsOf(text)).toEqual(['{"a":"],{\\"\\\\"}', '12345678901234567890', '[1,[2]]', '"x,y"', '{"b":{}}'])
})

test('an array gives the same elements with any indentation and any chunks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), sizes, async (values, indent, cuts) => {
      const texts = await textsOf(JSON.stringify(values, null, indent), cuts)
      expect(texts.map(text => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(values)))
      expect(texts.filter(text => /[\n\r]/.test(text))).toEqual([])
    }),
  )
})

test('lines give the same elements with any chunks', async () => {
  const lines = fc.array(fc.stringMatching(/^[^\s\ufeff]{1,9}$/), { minLength: 1 }).filter(([first]) => !first?.startsWith('['))
  await fc.assert(
    fc.asyncProperty(lines, sizes, async (expected, cuts) => {
      expect(await textsOf(expected.join('\n'), cuts)).toEqual(expected)
    }),
  )
})

test('reading can resume after any element', async () => {
  for (const text of ['{"a":1}\n\n{"b":2}\nnope\n{"c":3}', '[{"a":1},\n{"b":2} , {"c":3}]']) {
    const all = await read(text)
    for (const [at, { end }] of all.entries()) {
      const rest = Buffer.from(text).subarray(end).toString()
      const form = formOf(Buffer.from(text))
      const later = await collect(readElements(chunked(rest), form, { offset: end, count: at + 1 }))
      expect(later).toEqual(all.slice(at + 1))
    }
  }
})

test.each([
  ['[{"a":1},]', 'byte 9'],
  ['[{"a":1},{"b":2}', 'byte 16'],
  ['[1,,2]', 'byte 3'],
  ['[1] x', 'byte 4'],
])('%s is rejected with the position of the error', async (text, place) => {
  await expect(textsOf(text)).rejects.toThrow(place)
})

test('an element larger than a request is reported, not read into memory', async () => {
  await expect(textsOf(`{"a":1}\n${' '.repeat(MAX_BODY_BYTES)}x`)).rejects.toThrow('Element 1 of the file is larger than 4 MB')
})

test('text between two commas is one element, JSON or not', async () => {
  expect(await textsOf('[{"a":1}{"b":2},{"c" 3},nope]')).toEqual(['{"a":1}{"b":2}', '{"c" 3}', 'nope'])
})

test('a line break inside a string of an array remains an error', async () => {
  const [broken = ''] = await textsOf('[{"a":"x\ny"}]')
  expect(() => JSON.parse(broken)).toThrow()
})

test('a row without an id gets one and its other bytes do not change', () => {
  const identified = (text: string) => identify(Buffer.from(text), 'event_id', 'h-7').toString()
  expect(identified('{"n":1.50,"big":12345678901234567890}')).toBe('{"n":1.50,"big":12345678901234567890,"event_id":"h-7"}')
  expect(identified('{}')).toBe('{"event_id":"h-7"}')
  expect(JSON.parse(identified('{"event_id":null}'))).toEqual({ event_id: 'h-7' })
  for (const unchanged of ['{"event_id":"mine"}', '[1]', '"text"', '{"a":', 'null']) expect(identified(unchanged)).toBe(unchanged)
})

test('batches keep the order, contain at most the given number of elements and are smaller than 4 MB', async () => {
  const lengths = fc.array(fc.integer({ min: 1, max: MAX_BODY_BYTES / 2 }), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 1, max: 4 }), async (sizes, most) => {
      const elements = sizes.map((size, i) => ({ text: Buffer.alloc(size, 97), end: i }))
      const batches = await collect(cutBatches(elements, most))
      expect(
        batches
          .flatMap(({ body }) =>
            body
              .toString()
              .trimEnd()
              .split('\n')
              .map(line => line.length),
          )
          .filter(length => length > 0),
      ).toEqual(sizes)
      expect(batches.every(({ body, count }) => count <= most && body.length <= MAX_BODY_BYTES)).toBe(true)
      expect(batches.map(({ end }) => end)).toEqual(
        batches.map((_, i) => batches.slice(0, i + 1).reduce((sum, { count }) => sum + count, 0) - 1),
      )
    }),
    { numRuns: 25 },
  )
})
