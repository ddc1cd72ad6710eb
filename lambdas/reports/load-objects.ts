import { rm } from 'node:fs/promises'
import pLimit from 'p-limit'
import type { Column } from '../../shared/archive-columns.ts'

import { arrivalsView, type Workspace } from './duckdb.ts'
import { type ArchiveObject, eventObjects, type Footer, readFooter } from './plan-objects.ts'
import type { Archive } from './s3.ts'

const FOOTERS_AT_ONCE = 32
/** Objects that are on their way or on disk while DuckDB loads the one before them: small ones take longer to fetch than to load. */
const OBJECTS_AHEAD = 8

/** An object of the archive that a report may have to read. */
export interface Candidate extends ArchiveObject {
  /** Its place in the archive's order of arrival. */
  readonly place: number
  readonly footer: Footer
}

/** Every object with events below a prefix, with what its footer tells of these columns. */
export async function readFooters(archive: Archive, prefix: string, spans: readonly string[]): Promise<Candidate[]> {
  const objects = eventObjects(await archive.list(prefix))
  return pLimit(FOOTERS_AT_ONCE).map(objects, async (object, place) => ({
    ...object,
    place,
    footer: readFooter(await archive.footer(object), spans),
  }))
}

/**
 * Makes the view `arrivals` of one object after another and calls `load`, which takes what it wants of it. They pass through the
 * disk, so that a large archive needs no more room than a few objects.
 */
export async function loadObjects(
  candidates: readonly Candidate[],
  columns: readonly Column[],
  { archive, workspace }: { readonly archive: Archive; readonly workspace: Workspace },
  load: () => Promise<unknown>,
): Promise<void> {
  const fileOf = ({ place }: Candidate): string => workspace.file(`arrivals-${place}.parquet`)
  const fetched = fetchAhead(candidates, candidate => archive.download(candidate.key, fileOf(candidate)))
  for await (const candidate of fetched) {
    await workspace.run(arrivalsView(fileOf(candidate), candidate.place, columns, candidate.footer.columns))
    await load()
    await rm(fileOf(candidate))
  }
}

/** The items in their order, each when it is fetched; a few are fetched ahead of the one that is handed out. */
async function* fetchAhead<Item>(items: readonly Item[], fetch: (item: Item) => Promise<void>): AsyncGenerator<Item> {
  const inFlight: Promise<void>[] = []
  const start = (item: Item | undefined): void => {
    if (item === undefined) return
    const fetching = fetch(item)
    // It may fail before anybody waits for it; who waits is told.
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
