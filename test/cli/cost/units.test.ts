import { firehoseBytesOf, itemBytes, logBytesOf, putUnitsOf, readUnitsOf, writeUnitsOf } from '../../../cli/cost/units.ts'

test('an item has the bytes of its names and values; a number has half a byte for each digit', () => {
  expect(itemBytes({ pk: { S: 'é' }, b: { B: new Uint8Array(10) } })).toBe(2 + 2 + 1 + 10)
  expect(itemBytes({ n: { N: '0' } })).toBe(1 + 1)
  expect(itemBytes({ n: { N: '1234' } })).toBe(1 + 3)
  expect(itemBytes({ n: { N: '-1200' } })).toBe(1 + 3)
  expect(itemBytes({ s: { NS: ['1', '2'] }, l: { L: [{ BOOL: true }] }, m: { M: { a: { S: 'x' } } } })).toBe(
    1 + 4 + 1 + 5 + 1 + 3 + 1 + 2,
  )
})

test('writes, reads and records are billed by started units', () => {
  expect([0, 1024, 1025, 15_700].map(writeUnitsOf)).toEqual([1, 1, 2, 16])
  expect([0, 4096, 4097].map(readUnitsOf)).toEqual([1, 1, 2])
  expect([1, 25 * 1024, 25 * 1024 + 1].map(putUnitsOf)).toEqual([1, 1, 2])
  expect([1, 5120, 5121].map(firehoseBytesOf)).toEqual([5120, 5120, 10_240])
})

test('a log line is billed with the bytes that CloudWatch adds', () => {
  expect(logBytesOf('{"é":1}')).toBe(8 + 26)
})
