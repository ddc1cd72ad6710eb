import { rm } from 'node:fs/promises'
import pLimit from 'p-limit'
import { type Footer, fromStored, readFooter } from './footer.ts'
import { type Archive, type EventObject, listEvents } from './list-events.ts'
import { batchesOf } from './plan-batches.ts'
import type { ArchiveBucket } from './s3.ts'

const CONCURRENT_FOOTERS = 32
const CONCURRENT_DOWNLOADS = 32

/** An object of the archive that a report may have to read. */
export interface Candidate extends EventObject {
  /** Its place in the archive's order of arrival. */
  readonly place: number
  readonly footer: Footer
}

/** A candidate that has been downloaded to a file. */
export interface LoadedObject extends Candidate {
  readonly file: string
}

/**
 * The objects that may hold events of a type. Their footers have the ranges of these columns. Only raw objects are opened: what the
 * footers of compacted objects say is in the manifests.
 */
export async function readFooters(
  archive: Archive & { readonly bucket: Pick<ArchiveBucket, 'footer'> },
  eventType: string,
  rangeColumns: readonly string[],
): Promise<Candidate[]> {
  const objects = (await listEvents(archive)).map((object, place) => ({ ...object, place }))
  const candidates = objects.filter(({ compacted }) => !compacted || Object.hasOwn(compacted.types, eventType))
  return pLimit(CONCURRENT_FOOTERS).map(candidates, async object => ({
    ...object,
    footer: object.compacted
      ? footerOf(object.compacted, eventType)
      : readFooter(await archive.bucket.footer(object), rangeColumns),
  }))
}

/** The range of event times is that of the type, not of all rows of the object. */
function footerOf({ types, footer }: NonNullable<EventObject['compacted']>, eventType: string): Footer {
  const [from, to] = [types[eventType]?.from, types[eventType]?.to]
  const { ranges, ...stored } = fromStored(footer)
  return { ...stored, ranges: { ...ranges, event_time_us: { least: Number(from), greatest: Number(to) } } }
}

/**
 * Downloads the objects batch by batch to `fileOf` their names, calls `load` with each batch, and deletes the files. So the disk
 * holds two batches at most, whatever the size of the archive: the next one is downloaded while one is loaded.
 */
export async function loadObjects(
  candidates: readonly Candidate[],
  archive: ArchiveBucket,
  fileOf: (name: string) => string,
  load: (batch: readonly LoadedObject[]) => Promise<void>,
): Promise<void> {
  const batches = batchesOf(candidates)
  const download = (batch: readonly Candidate[] = []): Promise<LoadedObject[]> =>
    pLimit(CONCURRENT_DOWNLOADS).map(batch, async candidate => {
      const file = fileOf(`${candidate.place}.parquet`)
      await archive.download(candidate.key, file)
      return { ...candidate, file }
    })
  let next = download(batches[0])
  try {
    for (const at of batches.keys()) {
      const batch = await next
      next = download(batches[at + 1])
      // Avoids an unhandled rejection while `load` runs. The loop that awaits it still sees the error.
      next.catch(() => undefined)
      await load(batch)
      await Promise.all(batch.map(({ file }) => rm(file)))
    }
  } finally {
    await Promise.allSettled([next])
  }
}
