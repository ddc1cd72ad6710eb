import fc from 'fast-check'
import { cutBatches } from '../../cli/sending/batches.ts'
import { hashed } from '../../cli/sending/chain.ts'
import { type Form, readElements } from '../../cli/sending/elements.ts'
import { identify } from '../../cli/sending/identify.ts'
import type { Element } from '../../cli/sending/splitter.ts'
import { splitElements } from '../../lambdas/ingest/body.ts'
import { MAX_BODY_BYTES } from '../../shared/limits.ts'
import { isRejection } from '../../shared/rejections.ts'

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const value of values) collected.push(value)
  return collected
}

/** The text in chunks of these sizes, then the rest. */
async function* chunked(text: string, sizes: readonly number[] = []): AsyncGenerator<Buffer> {
  let rest = Buffer.from(text)
  for (const size of sizes) {
    yield rest.subarray(0, size)
    rest = rest.subarray(size)
  }
  yield rest
}

const formOf = (text: string): Form => (text.trimStart().startsWith('[') ? 'array' : 'lines')
const read = (text: string, sizes: readonly number[] = [], form = formOf(text)): Promise<Element[]> =>
  collect(readElements(chunked(text, sizes), form))
const textsOf = async (text: string, sizes: readonly number[] = [], form = formOf(text)): Promise<string[]> =>
  (await read(text, sizes, form)).map(element => element.text.toString())

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

test('consecutive values give the same elements as the array of them, with any indentation and any chunks', async () => {
  const rows = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(rows, fc.constantFrom(undefined, 1, '\t'), sizes, async (values, indent, cuts) => {
      const text = values.map(value => JSON.stringify(value, null, indent)).join('\n\n')
      const texts = await textsOf(text, cuts, 'sequence')
      expect(texts.map(each => JSON.parse(each))).toEqual(JSON.parse(JSON.stringify(values)))
      expect(texts.filter(each => /[\n\r]/.test(each))).toEqual([])
      // The API splits the same text into the same elements.
      const elements = splitElements({ text, isUtf8: true }, undefined)
      expect(isRejection(elements) ? elements : elements.map(({ value }) => value)).toEqual(texts.map(each => JSON.parse(each)))
    }),
  )
})

test.each([
  '{"a":1}{"b":2}',
  '{"a":1} {"b":2}',
  '{"a":\n1}\n5',
  '{"a":"x\ny"}',
  '{"a":1}\n}',
  '{"a":[1}\n]',
  '{"a":\n{}\n{}}',
  '{"a":\n1',
])('%j is no sequence of values', async text => {
  await expect(textsOf(text, [], 'sequence')).rejects.toThrow('not a sequence')
})

test('elements know the line on which they start', async () => {
  const linesOf = async (text: string, form?: Form) => (await read(text, [1, 1, 1, 1, 1, 1, 1], form)).map(({ line }) => line)
  expect(await linesOf('\n{"a":1}\r\n\nnope\n{"c":3}')).toEqual([2, 4, 5])
  expect(await linesOf('[\n{"a":1},{"b":\n2},\n\n{"c":3}]')).toEqual([2, 2, 5])
  expect(await linesOf('{\n"a":1\n}\n\n{"b":2}', 'sequence')).toEqual([1, 5])
})

test('the hash of an element depends on all elements up to it and on nothing after it', async () => {
  const digests = async (text: string) =>
    (await collect(hashed(readElements(chunked(text), formOf(text))))).map(({ digest }) => digest)
  const [a, b, c] = await digests('{"a":1}\n{"b":2}\n{"c":3}')
  expect(await digests('[ {"a":1},\n{"b":2} ]')).toEqual([a, b])
  expect(await digests('{"a":1}\n{"x":2}\n{"c":3}')).toEqual([a, expect.anything(), expect.anything()])
  expect((await digests('{"a":1}\n{"x":2}\n{"c":3}'))[2]).not.toBe(c)
  expect(new Set(await digests('{}\n{}\n{}')).size).toBe(3)
})

test.each([
  ['[{"a":1},]', 'byte 9'],
  ['[{"a":1},{"b":2}', 'byte 16'],
  ['[1,,2]', 'byte 3'],
  ['[1] x', 'byte 4'],
  ['[{"a":1}},{"b":2}]', 'byte 8 (line 1)'],
  ['[{"a":[1}},\n{"b":2}]', 'byte 8 (line 1)'],
  ['[1,\n]]', 'byte 4 (line 2)'],
])('%s is rejected with the position of the error', async (text, place) => {
  await expect(textsOf(text)).rejects.toThrow(place)
})

test('of an element larger than a request only the start is kept, and the others are read', async () => {
  const large = `{"x":"${'x'.repeat(2 * MAX_BODY_BYTES)}"}`
  for (const text of [`{"a":1}\n${large}\n{"b":2}`, `[{"a":1},\n${large},\n{"b":2}]`]) {
    const found = await read(text, [MAX_BODY_BYTES, MAX_BODY_BYTES / 2])
    expect(found.map(({ line, isOversized }) => [line, isOversized])).toEqual([
      [1, false],
      [2, true],
      [3, false],
    ])
    expect(found[1]?.text.length).toBeLessThan(large.length)
  }
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
      const elements = sizes.map((size, i) => ({ text: Buffer.alloc(size, 97), line: i, isOversized: false, digest: `${i}` }))
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
      expect(batches.flatMap(({ lines }) => lines)).toEqual(elements.map(({ line }) => line))
      expect(batches.at(-1)?.digest).toBe(elements.at(-1)?.digest)
    }),
    { numRuns: 25 },
  )
})

test('an element that fits into no body is named, and keeps its place among the others', async () => {
  const element = (size: number, line: number) => ({ text: Buffer.alloc(size, 97), line, isOversized: false, digest: `${line}` })
  const sizes = [1, MAX_BODY_BYTES - 1, MAX_BODY_BYTES, 1]
  const batches = await collect(
    cutBatches(
      sizes.map((size, i) => element(size, i + 1)),
      10,
    ),
  )
  expect(batches.map(({ lines, oversized, count, body }) => [lines, oversized, count, body.length])).toEqual([
    [[1], [], 1, 2],
    [[2], [3], 2, MAX_BODY_BYTES],
    [[4], [], 1, 2],
  ])
})
