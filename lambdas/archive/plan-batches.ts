import type { Footer } from './footer.ts'

/** A batch that is read by one statement. */
const BATCH_OBJECTS = 256
const BATCH_BYTES = 256 * 2 ** 20

/**
 * Groups objects into batches, each with one schema: the first file of a statement decides the types of its columns. A larger object
 * is a batch of its own.
 */
export function batchesOf<Sized extends { readonly size: number; readonly footer: Pick<Footer, 'schema'> }>(
  objects: readonly Sized[],
): Sized[][] {
  const batches: Sized[][] = []
  for (const alike of Map.groupBy(objects, ({ footer }) => footer.schema).values()) {
    let batch: Sized[] = []
    let bytes = 0
    for (const object of alike) {
      if (batch.length === 0 || batch.length === BATCH_OBJECTS || bytes + object.size > BATCH_BYTES) {
        batch = []
        bytes = 0
        batches.push(batch)
      }
      batch.push(object)
      bytes += object.size
    }
  }
  return batches
}
