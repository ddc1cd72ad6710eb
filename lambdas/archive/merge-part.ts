import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import pLimit from 'p-limit'
import { SafeError } from '../../shared/safe-error.ts'
import { copyTo, FIRST_ARRIVALS, openDeliveries, REPETITIONS, typesIn } from './compaction-sql.ts'
import type { Workspace } from './duckdb.ts'
import { storedFooter } from './footer.ts'
import { type CompactedObject, type Manifest, repetitionsPrefix, rowsPrefix } from './manifest.ts'
import type { MergePart, MergePlan } from './plan-merge.ts'
import type { ArchiveBucket } from './s3.ts'

export interface MergePartDependencies {
  readonly bucket: ArchiveBucket
  /** Opens a database in a new folder. */
  openWorkspace(): Promise<Workspace>
}

/** What a part adds to the manifest of its run. */
export type MergedPart = Pick<Manifest, 'objects' | 'repetitions'>

/** A compacted object is split when its inputs have more bytes. */
const BYTES_PER_OBJECT = 128 * 2 ** 20
const CONCURRENT_TRANSFERS = 16
const PARQUET = 'application/vnd.apache.parquet'

/**
 * Stores the objects of a part under the prefixes of its run. The same part always has the same keys, and an object that is stored is
 * not replaced: the part may be made again after its step has ended anywhere.
 */
export const mergePart = (plan: MergePlan, part: MergePart, dependencies: MergePartDependencies): Promise<MergedPart> =>
  part.inputs.length === 0 ? keep(plan, part, dependencies) : rewrite(plan, part, dependencies)

/** Copies the objects of the run before to the prefixes of this one. */
async function keep({ dt, run }: MergePlan, { kept }: MergePart, { bucket }: MergePartDependencies): Promise<MergedPart> {
  const copyAll = (objects: readonly CompactedObject[], prefix: string): Promise<CompactedObject[]> =>
    pLimit(CONCURRENT_TRANSFERS).map(objects, async object => {
      const key = `${prefix}${object.key.slice(object.key.lastIndexOf('/') + 1)}`
      await bucket.copy(object.key, key)
      return { ...object, key }
    })
  return {
    objects: await copyAll(kept.objects, rowsPrefix(dt, run)),
    repetitions: await copyAll(kept.repetitions, repetitionsPrefix(dt, run)),
  }
}

/** Downloads the objects, separates first arrivals from repetitions, and uploads both below the prefixes of the run. */
async function rewrite(
  { dt, run }: MergePlan,
  { hour, inputs }: MergePart,
  { bucket, openWorkspace }: MergePartDependencies,
): Promise<MergedPart> {
  const workspace = await openWorkspace()
  try {
    // The names of the files sort like the objects: the rows of a file have its name as their place.
    const files = await pLimit(CONCURRENT_TRANSFERS).map(inputs, async ({ key }, place) => {
      const file = workspace.file(`${String(place).padStart(8, '0')}.parquet`)
      await bucket.download(key, file)
      return file
    })
    await workspace.run(openDeliveries(files))
    const bytes = inputs.reduce((sum, { size }) => sum + size, 0)
    const target = { bucket, workspace, hour }
    const objects = await writeObjects(FIRST_ARRIVALS, rowsPrefix(dt, run), Math.ceil(bytes / BYTES_PER_OBJECT), target)
    const repetitions = await writeObjects(REPETITIONS, repetitionsPrefix(dt, run), 1, target)
    const [counted] = await workspace.run('SELECT count(*) AS rows FROM deliveries')
    if (rowsOf(objects) + rowsOf(repetitions) !== Number(counted?.['rows']))
      throw new SafeError(`The compaction of ${dt} would change the number of rows. Nothing was changed.`)
    return { objects, repetitions }
  } finally {
    await workspace.close()
  }
}

const rowsOf = (objects: readonly CompactedObject[]): number => objects.reduce((sum, { rows }) => sum + rows, 0)

interface Target {
  readonly bucket: Pick<ArchiveBucket, 'uploadNew'>
  readonly workspace: Workspace
  readonly hour: string | undefined
}

/** Writes the rows of a query to some files of equal numbers of rows, and uploads those that have rows. */
async function writeObjects(query: string, prefix: string, count: number, target: Target): Promise<CompactedObject[]> {
  const { bucket, workspace, hour } = target
  const queries = count === 1 ? [query] : await partsOf(query, count, workspace)
  const objects: CompactedObject[] = []
  for (const [part, each] of queries.entries()) {
    const name = `${hour === undefined ? '' : `${hour}-`}${String(part).padStart(5, '0')}.parquet`
    const file = workspace.file(`written-${name}`)
    await workspace.run(copyTo(each, file))
    const found = await workspace.run(typesIn(file))
    if (found.length === 0) continue
    const bytes = await bucket.uploadNew(file, `${prefix}${name}`, PARQUET)
    const types = found.map(({ event_type, rows, first, last }) => [
      String(event_type),
      { rows: Number(rows), from: String(first), to: String(last) },
    ])
    const identities = found.reduce((sum, type) => sum + BigInt(String(type['identities'])), 0n)
    const footer = storedFooter(await parquetMetadataAsync(await asyncBufferFromFile(file)))
    objects.push({
      ...{ key: `${prefix}${name}`, bytes, rows: found.reduce((sum, type) => sum + Number(type['rows']), 0) },
      ...{ types: Object.fromEntries(types), identities: String(BigInt.asUintN(64, identities)), footer },
      ...(hour !== undefined && { hour }),
    })
  }
  return objects
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
