import fc from 'fast-check'
import { batchesOf } from '../../lambdas/archive/plan-batches.ts'

const MEBIBYTE = 2 ** 20
const object = (size: number, schema = 's') => ({ size, footer: { schema } })
const sizes = (batches: readonly (readonly { readonly size: number }[])[]) => batches.map(batch => batch.map(({ size }) => size))

test('a batch has objects of one schema, in their order', () => {
  const objects = [object(1, 'a'), object(2, 'b'), object(3, 'a')]
  expect(sizes(batchesOf(objects))).toEqual([[1, 3], [2]])
})

test('a batch ends before 256 MiB and after 256 objects; a larger object is alone', () => {
  expect(sizes(batchesOf([object(200 * MEBIBYTE), object(56 * MEBIBYTE), object(1)]))).toEqual([
    [200 * MEBIBYTE, 56 * MEBIBYTE],
    [1],
  ])
  expect(sizes(batchesOf([object(1), object(300 * MEBIBYTE), object(2)]))).toEqual([[1], [300 * MEBIBYTE], [2]])
  expect(batchesOf(Array.from({ length: 600 }, () => object(1))).map(({ length }) => length)).toEqual([256, 256, 88])
})

test('every object is in one batch', () => {
  const objects = fc.array(fc.record({ size: fc.integer({ min: 1, max: 300 * MEBIBYTE }), schema: fc.constantFrom('a', 'b') }))
  fc.assert(
    fc.property(objects, all => {
      const given = all.map(({ size, schema }) => object(size, schema))
      expect(new Set(batchesOf(given).flat())).toEqual(new Set(given))
      expect(batchesOf(given).flat()).toHaveLength(given.length)
    }),
  )
})
