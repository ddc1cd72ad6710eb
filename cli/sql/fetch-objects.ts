import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { EventObject } from '../../lambdas/archive/list-events.ts'
import type { ArchiveBucket } from '../../lambdas/archive/s3.ts'
import { splitBySize } from '../../shared/split-by-size.ts'
import { amountText } from '../sizes.ts'
import type { ClosedEngine } from './duckdb.ts'

const CONCURRENT_DOWNLOADS = 16
/** Most objects, and bytes, of which one file is made. */
const MERGED_OBJECTS = 256
const MERGED_BYTES = 64 * 2 ** 20

/**
 * The objects that hold the first arrival of every identity of some types. A repetition in a compacted day never is one: the day's rows
 * have an earlier arrival.
 */
export const withFirstArrivals = (objects: readonly EventObject[], types: ReadonlySet<string> | undefined): EventObject[] =>
  objects.filter(
    ({ kind, compacted }) =>
      kind !== 'repetitions' && (!types || !compacted || [...types].some(type => Object.hasOwn(compacted.types, type))),
  )

export const bytesOf = (objects: readonly EventObject[]): number => objects.reduce((sum, { size }) => sum + size, 0)

/** `12 objects with 3.4 MB`. */
export const amountOf = (objects: readonly EventObject[]): string =>
  amountText({ objects: objects.length, bytes: bytesOf(objects) })

interface FetchDependencies {
  readonly bucket: Pick<ArchiveBucket, 'download'>
  readonly engine: Pick<ClosedEngine, 'fileOf' | 'merge'>
  /** Called for each object that is there. */
  fetched(object: EventObject): void
}

interface Placed {
  readonly object: EventObject
  /** Its place in the order of arrival. */
  readonly place: number
}

/** Downloads the objects to where the engine reads them. Small raw objects of a day become one file. */
export async function fetchObjects(objects: readonly EventObject[], dependencies: FetchDependencies): Promise<void> {
  const [downloads, merges] = [pLimit(CONCURRENT_DOWNLOADS), pLimit(1)]
  const { bucket, engine, fetched } = dependencies
  await pLimit(CONCURRENT_DOWNLOADS).map(batchesOf(objects), async batch => {
    const [first] = batch
    if (!first) return
    const file = engine.fileOf(first.object.dt, first.place)
    const parts = batch.length === 1 ? [file] : batch.map(({ place }) => path.join(`${file}.parts`, partName(place)))
    await mkdir(path.dirname(parts[0] ?? file), { recursive: true })
    await downloads.map(batch, async ({ object }, at) => {
      await bucket.download(object.key, parts[at] ?? file)
      fetched(object)
    })
    if (batch.length === 1) return
    await merges(() => engine.merge(parts, file))
    await rm(path.dirname(parts[0] ?? file), { recursive: true })
  })
}

const partName = (place: number): string => `${String(place).padStart(8, '0')}.parquet`

/** The raw objects of a day in groups, in their order; every other object alone. */
function batchesOf(objects: readonly EventObject[]): Placed[][] {
  const placed = objects.map((object, place) => ({ object, place }))
  const groups = Map.groupBy(placed, ({ object: { kind, dt }, place }) => (kind === 'raw' ? dt : place))
  return [...groups.values()].flatMap(group => splitBySize(group, ({ object }) => object.size, MERGED_OBJECTS, MERGED_BYTES))
}
