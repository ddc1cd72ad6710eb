import { stat } from 'node:fs/promises'
import pLimit from 'p-limit'
import { SafeError } from '../../shared/safe-error.ts'
import { copyTo, FIRST_ARRIVALS, openDeliveries, REPETITIONS, typesIn } from './compaction-sql.ts'
import type { Workspace } from './duckdb.ts'
import type { ArchiveLedger, LedgerDay } from './dynamodb.ts'
import { compactedObjects, readManifest, readReplaced } from './list-events.ts'
import { type CompactedObject, type Manifest, manifestKey, repetitionsPrefix, replacedKey, rowsPrefix } from './manifest.ts'
import type { ArchiveBucket, StoredObject } from './s3.ts'

export interface MergeDependencies {
  readonly bucket: ArchiveBucket
  readonly ledger: Pick<ArchiveLedger, 'put'>
  /** Opens a database in a folder of the run. */
  openWorkspace(run: string): Promise<Workspace>
  /** The id of a run that starts now. */
  newRun(): string
  readonly now: () => number
}

interface Merge {
  readonly dt: string
  /** The day as it is, if it is compacted. */
  readonly before: LedgerDay | undefined
  /** The raw objects to add, in the order of arrival. */
  readonly raw: readonly StoredObject[]
}

/** A compacted object is split when its raw objects have more bytes. */
const BYTES_PER_OBJECT = 128 * 2 ** 20
const CONCURRENT_TRANSFERS = 16
const PARQUET = 'application/vnd.apache.parquet'

/**
 * Makes a run of a day: its current rows and repetitions and the raw objects become new objects, described by a manifest. Then one
 * write of the ledger makes the run current. Before it, nobody reads what the run has stored; after it, nobody reads the objects that
 * the run replaces. Throws if somebody else has changed the day meanwhile.
 */
export async function mergeDay({ dt, before, raw }: Merge, dependencies: MergeDependencies): Promise<LedgerDay> {
  const { bucket, ledger, now } = dependencies
  const [current, replaced] = before
    ? await Promise.all([readManifest(bucket, before), readReplaced(bucket, before)])
    : [undefined, []]
  const run = dependencies.newRun()
  const inputs = [...(current ? compactedObjects(current) : []), ...raw]
  const written = await rewrite({ dt, run, inputs }, dependencies)
  const manifest: Manifest = {
    ...{ dt, run, ...written },
    modified: Math.max(...inputs.map(({ modified }) => modified)),
    replaced: replaced.length + raw.length,
  }
  await bucket.putNew(replacedKey(dt, run), JSON.stringify([...replaced, ...raw.map(({ key }) => key)]))
  await bucket.putNew(manifestKey(dt, run), JSON.stringify(manifest))
  const { settled: _, finished: __, ...kept } = before ?? { version: 0, compacted: now() }
  const day: LedgerDay = { ...kept, dt, run, version: kept.version + 1, switched: now() }
  if (await ledger.put(day)) return day
  throw new SafeError(`Another run has compacted ${dt} meanwhile.`)
}

interface Rewrite {
  readonly dt: string
  readonly run: string
  readonly inputs: readonly StoredObject[]
}

type Rewritten = Pick<Manifest, 'objects' | 'repetitions' | 'identities'>

/** Downloads the objects, separates first arrivals from repetitions, and uploads both below the prefixes of the run. */
async function rewrite({ dt, run, inputs }: Rewrite, { bucket, openWorkspace }: MergeDependencies): Promise<Rewritten> {
  const workspace = await openWorkspace(run)
  try {
    // The names of the files sort like the objects: the rows of a file have its name as their place.
    const files = await pLimit(CONCURRENT_TRANSFERS).map(inputs, async ({ key }, place) => {
      const file = workspace.file(`${String(place).padStart(8, '0')}.parquet`)
      await bucket.download(key, file)
      return file
    })
    await workspace.run(openDeliveries(files))
    const bytes = inputs.reduce((sum, { size }) => sum + size, 0)
    const first = await writeObjects(FIRST_ARRIVALS, rowsPrefix(dt, run), Math.ceil(bytes / BYTES_PER_OBJECT), {
      bucket,
      workspace,
    })
    const others = await writeObjects(REPETITIONS, repetitionsPrefix(dt, run), 1, { bucket, workspace })
    const [counted] = await workspace.run('SELECT count(*) AS rows FROM deliveries')
    if (rowsOf(first.objects) + rowsOf(others.objects) !== Number(counted?.['rows']))
      throw new SafeError(`The compaction of ${dt} would change the number of rows. Nothing was changed.`)
    return {
      ...{ objects: first.objects, repetitions: others.objects },
      identities: { count: rowsOf(first.objects), sum: String(BigInt.asUintN(64, first.identities)) },
    }
  } finally {
    await workspace.close()
  }
}

const rowsOf = (objects: readonly CompactedObject[]): number => objects.reduce((sum, { rows }) => sum + rows, 0)

interface Written {
  readonly objects: CompactedObject[]
  readonly identities: bigint
}

/** Writes the rows of a query to some files of equal numbers of rows, and uploads those that have rows. */
async function writeObjects(
  query: string,
  prefix: string,
  count: number,
  { bucket, workspace }: { readonly bucket: Pick<ArchiveBucket, 'upload'>; readonly workspace: Workspace },
): Promise<Written> {
  const queries = count === 1 ? [query] : await partsOf(query, count, workspace)
  const objects: CompactedObject[] = []
  let identities = 0n
  for (const [part, each] of queries.entries()) {
    const name = `${String(part).padStart(5, '0')}.parquet`
    const file = workspace.file(`written-${name}`)
    await workspace.run(copyTo(each, file))
    const found = await workspace.run(typesIn(file))
    if (found.length === 0) continue
    await bucket.upload(file, `${prefix}${name}`, PARQUET)
    const types = found.map(({ event_type, rows, first, last }) => [
      String(event_type),
      { rows: Number(rows), from: String(first), to: String(last) },
    ])
    const rows = found.reduce((sum, type) => sum + Number(type['rows']), 0)
    identities += found.reduce((sum, type) => sum + BigInt(String(type['identities'])), 0n)
    objects.push({ key: `${prefix}${name}`, bytes: (await stat(file)).size, rows, types: Object.fromEntries(types) })
  }
  return { objects, identities }
}

/** Queries for equal parts of the rows of a query, which are sorted once. */
async function partsOf(query: string, count: number, workspace: Workspace): Promise<string[]> {
  const table = 'sorted'
  await workspace.run(`CREATE OR REPLACE TABLE ${table} AS ${query}`)
  const [counted] = await workspace.run(`SELECT count(*) AS rows FROM ${table}`)
  const rows = Math.ceil(Number(counted?.['rows']) / count)
  // Row ids follow the order in which the rows were inserted.
  return Array.from(
    { length: count },
    (_, part) => `FROM ${table} WHERE rowid >= ${part * rows} AND rowid < ${(part + 1) * rows} ORDER BY rowid`,
  )
}
