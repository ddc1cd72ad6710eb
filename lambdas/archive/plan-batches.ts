import { splitBySize } from '../../shared/split-by-size.ts'
import type { Footer } from './footer.ts'

const BATCH_OBJECTS = 256
const BATCH_BYTES = 256 * 2 ** 20

/**
 * Groups objects into batches that are read by one statement each, with one schema: the first file of a statement decides the types
 * of its columns. A larger object is a batch of its own.
 */
export const batchesOf = <Sized extends { readonly size: number; readonly footer: Pick<Footer, 'schema'> }>(
  objects: readonly Sized[],
): Sized[][] =>
  [...Map.groupBy(objects, ({ footer }) => footer.schema).values()].flatMap(alike =>
    splitBySize(alike, ({ size }) => size, BATCH_OBJECTS, BATCH_BYTES),
  )
