import { rm } from 'node:fs/promises'
import pLimit from 'p-limit'
import { type Footer, readFooter } from './footer.ts'
import { listEvents } from './list-events.ts'
import type { ArchiveBucket, StoredObject } from './s3.ts'

const CONCURRENT_FOOTERS = 32
/** Objects that are downloaded ahead while DuckDB loads one. A small object takes longer to download than to load. */
const OBJECTS_AHEAD = 8

/** An object of the archive that a report may have to read. */
export interface Candidate extends StoredObject {
  /** Its place in the archive's order of arrival. */
  readonly place: number
  readonly footer: Footer
}

/** A candidate that has been downloaded to a file. */
export interface LoadedObject extends Candidate {
  readonly file: string
}

/** All objects with events. Their footers have the ranges of these columns. */
export async function readFooters(archive: ArchiveBucket, rangeColumns: readonly string[]): Promise<Candidate[]> {
  return pLimit(CONCURRENT_FOOTERS).map(await listEvents(archive), async (object, place) => ({
    ...object,
    place,
    footer: readFooter(await archive.footer(object), rangeColumns),
  }))
}

/**
 * For each object in order: downloads it to `fileOf` its name, calls `load`, and deletes the file. So the disk never holds more
 * than a few objects, whatever the size of the archive.
 */
export async function loadObjects(
  candidates: readonly Candidate[],
  archive: ArchiveBucket,
  fileOf: (name: string) => string,
  load: (object: LoadedObject) => Promise<void>,
): Promise<void> {
  const objects = candidates.map(candidate => ({ ...candidate, file: fileOf(`arrivals-${candidate.place}.parquet`) }))
  for await (const object of fetchAhead(objects, ({ key, file }) => archive.download(key, file))) {
    await load(object)
    await rm(object.file)
  }
}

/** Yields the items in order, each after its fetch. Fetches a few items ahead of the yielded one. */
async function* fetchAhead<Item>(items: readonly Item[], fetch: (item: Item) => Promise<void>): AsyncGenerator<Item> {
  const inFlight: Promise<void>[] = []
  const start = (item: Item | undefined): void => {
    if (item === undefined) return
    const fetching = fetch(item)
    // Avoids an unhandled rejection. The loop that awaits it still sees the error.
    fetching.catch(() => undefined)
    inFlight.push(fetching)
  }
  try {
    for (const item of items.slice(0, OBJECTS_AHEAD)) start(item)
    for (const [at, item] of items.entries()) {
      await inFlight[at]
      yield item
      start(items[at + OBJECTS_AHEAD])
    }
  } finally {
    await Promise.allSettled(inFlight)
  }
}
