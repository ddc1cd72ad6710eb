import pLimit from 'p-limit'
import type { EventObject } from '../../lambdas/archive/list-events.ts'
import type { ArchiveBucket } from '../../lambdas/archive/s3.ts'

const CONCURRENT_DOWNLOADS = 16
const KB = 1024
const MB = KB * KB

/**
 * The objects that hold the first arrival of every identity. A repetition in a compacted day never is one: the day's rows have an earlier
 * arrival.
 */
export const withFirstArrivals = (objects: readonly EventObject[]): EventObject[] =>
  objects.filter(({ kind }) => kind !== 'repetitions')

export const bytesOf = (objects: readonly EventObject[]): number => objects.reduce((sum, { size }) => sum + size, 0)

/** `12 objects with 3.4 MB`. */
export const amountOf = (objects: readonly EventObject[]): string =>
  `${objects.length} ${objects.length === 1 ? 'object' : 'objects'} with ${sizeText(bytesOf(objects))}`

export const sizeText = (bytes: number): string => (bytes < MB ? `${Math.ceil(bytes / KB)} KB` : `${(bytes / MB).toFixed(1)} MB`)

/** Downloads the objects, each to the file of its day and its place in their order. */
export async function fetchObjects(
  objects: readonly EventObject[],
  bucket: Pick<ArchiveBucket, 'download'>,
  fileOf: (dt: string, place: number) => string,
  fetched: (object: EventObject) => void,
): Promise<void> {
  await pLimit(CONCURRENT_DOWNLOADS).map(objects, async (object, place) => {
    await bucket.download(object.key, fileOf(object.dt, place))
    fetched(object)
  })
}
