import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { type Archive, type EventObject, listEvents } from '../../lambdas/archive/list-events.ts'
import type { ArchiveBucket } from '../../lambdas/archive/s3.ts'
import type { EventType } from '../../shared/event-type.ts'
import { UserError } from '../../shared/user-error.ts'
import { showProgress } from '../progress.ts'
import { sizeText } from '../sizes.ts'
import { type ClosedEngine, openClosedEngine } from './duckdb.ts'
import { amountOf, bytesOf, fetchObjects, withFirstArrivals } from './fetch-objects.ts'
import { common, planQuery, type QueryPlan } from './plan-query.ts'
import type { PrintRows, Query } from './sql-engine.ts'
import { viewsOf } from './views.ts'

const MEBIBYTE = 2 ** 20
/** The most memory that DuckDB uses; less on a small machine. */
const MAX_MEMORY_MEBIBYTES = 4096

interface ReadableArchive extends Archive {
  readonly bucket: Archive['bucket'] & Pick<ArchiveBucket, 'download'>
}

export interface DuckDbDependencies {
  readonly eventTypes: readonly EventType[]
  /** An empty folder for the objects and for what DuckDB spills. */
  readonly folder: string
  /** Called when the query is right, and reads events. */
  archive(): Promise<ReadableArchive>
  readonly stderr?: NodeJS.WriteStream
}

/**
 * Runs a query over the events in the archive in DuckDB: checks it, downloads the objects that it may need, runs it where nothing else can be
 * reached, and passes its result to `print`. Throws a UserError if the query is wrong, or reads all days and does not say so.
 */
export async function queryDuckDb(
  { sql, days, all }: Query,
  { eventTypes, folder, archive, stderr = process.stderr }: DuckDbDependencies,
  print: PrintRows,
): Promise<void> {
  const free = await freeBytes(folder)
  const engine = await openClosedEngine(folder, eventTypes, limitsOf(free))
  try {
    const plan = planQuery(await engine.parse(sql), viewsOf(eventTypes), sql)
    await engine.check(sql)
    if (plan.reads) await fetchDays({ ...plan, days: common(plan.days, days), all, free }, await archive(), engine, stderr)
    const result = await engine.run(sql)
    const types = result.columnTypes()
    const columns = result.deduplicatedColumnNames().map((name, at) => ({ name, type: String(types[at]) }))
    await print({ columns, batches: () => result.yieldRows() })
  } finally {
    engine.close()
  }
}

const freeBytes = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

const limitsOf = (free: number) => ({
  memoryMebibytes: Math.floor(Math.min(MAX_MEMORY_MEBIBYTES, totalmem() / MEBIBYTE / 2)),
  spillMebibytes: Math.floor(free / MEBIBYTE / 2),
})

interface Fetch extends Omit<QueryPlan, 'reads'> {
  readonly all: boolean
  /** Free bytes of the disk. Half of them may hold objects. */
  readonly free: number
}

async function fetchDays(
  { days, types, all, free }: Fetch,
  archive: ReadableArchive,
  engine: ClosedEngine,
  stderr: NodeJS.WriteStream,
) {
  const objects = withFirstArrivals(await listEvents(archive, days), types)
  if (objects.length === 0) return
  const isBounded = days.from !== undefined || days.to !== undefined
  if (!isBounded && !all)
    throw new UserError(
      `The query reads all days: ${amountOf(objects)}. Bound them with --from and --to, or with a comparison such as WHERE dt >= '2026-01-31', or add --all.`,
    )
  if (bytesOf(objects) > free / 2)
    throw new UserError(
      `The query needs ${amountOf(objects)}, and only half of ${sizeText(free)} may hold them. Read fewer days with --from and --to, or set TMPDIR to a folder on a larger disk.`,
    )
  await fetchObjects(objects, { bucket: archive.bucket, engine, fetched: fetchProgress(objects, stderr) })
}

function fetchProgress(objects: readonly EventObject[], stderr: NodeJS.WriteStream): (object: EventObject) => void {
  const all = bytesOf(objects)
  const progress = showProgress('fetching', objects.length, stderr)
  let [count, bytes] = [0, 0]
  return ({ size }) => {
    count += 1
    bytes += size
    progress.at(count, `${count} of ${objects.length} objects, ${sizeText(bytes)} of ${sizeText(all)}`)
    if (count === objects.length) progress.done()
  }
}
