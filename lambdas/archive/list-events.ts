import pLimit from 'p-limit'
import { ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'
import type { ArchiveLedger, LedgerDay } from './dynamodb.ts'
import { type CompactedObject, type Manifest, manifestKey, replacedKey } from './manifest.ts'
import type { ArchiveBucket, StoredObject } from './s3.ts'

/** Where the events are: the bucket, and the ledger that says what is current in it. */
export interface Archive {
  readonly bucket: Pick<ArchiveBucket, 'list' | 'folders' | 'text'>
  readonly ledger: Pick<ArchiveLedger, 'days'>
}

/** An object that holds events. */
export interface EventObject extends StoredObject {
  /** Its day of arrival, `YYYY-MM-DD` in UTC. A row may have arrived on the next day, by at most one buffer of Firehose. */
  readonly dt: string
  /** `raw`: as Firehose wrote it. `rows`: the first arrivals of a compacted day. `repetitions`: the other arrivals of that day. */
  readonly kind: 'raw' | 'rows' | 'repetitions'
  /** What the manifest says about a compacted object. */
  readonly compacted?: Pick<CompactedObject, 'types' | 'footer'>
}

/** Days of arrival, both included. Without a bound, all days before or after. */
export interface ArrivalDays {
  readonly from?: string
  readonly to?: string
}

const CONCURRENT_READS = 32
const EVENT_OBJECT = new RegExp(`^${ARCHIVE_PREFIX}dt=\\d{4}-\\d\\d-\\d\\d/hour=\\d\\d/.+\\.parquet$`)

export const rawPrefix = (dt: string): string => `${ARCHIVE_PREFIX}dt=${dt}/`

/** The objects that hold events, sorted by key. Keys begin with the hour of arrival. */
export const eventObjects = (listed: readonly StoredObject[]): StoredObject[] =>
  listed.filter(({ key, size }) => size > 0 && EVENT_OBJECT.test(key)).toSorted((a, b) => (a.key < b.key ? -1 : 1))

/** The days below the raw prefix, the earliest first. */
export const rawDays = async (bucket: Pick<ArchiveBucket, 'folders'>): Promise<string[]> =>
  (await bucket.folders(ARCHIVE_PREFIX)).flatMap(name => /^dt=(\d{4}-\d\d-\d\d)$/.exec(name)?.[1] ?? []).sort()

export const readManifest = async (
  bucket: Pick<ArchiveBucket, 'text'>,
  { dt, run }: Pick<LedgerDay, 'dt' | 'run'>,
): Promise<Manifest> => JSON.parse(await bucket.text(manifestKey(dt, run))) as Manifest

/** The keys of the raw objects that a run replaces. */
export const readReplaced = async (
  bucket: Pick<ArchiveBucket, 'text'>,
  { dt, run }: Pick<LedgerDay, 'dt' | 'run'>,
): Promise<readonly string[]> => JSON.parse(await bucket.text(replacedKey(dt, run))) as string[]

/**
 * The objects that hold every delivery of the events of some days of arrival, each once, in the order of arrival: of the deliveries of
 * an identity with the same time of arrival, the first is in the first object. It lists only raw objects of days for which some may not
 * be compacted. What it returns stays readable for a day: the ledger is read first, and nothing is deleted that was current a day ago.
 */
export async function listEvents({ bucket, ledger }: Archive, { from = '', to = '~' }: ArrivalDays = {}): Promise<EventObject[]> {
  const isWanted = (dt: string): boolean => dt >= from && dt <= to
  const compacted = new Map((await ledger.days()).filter(({ dt }) => isWanted(dt)).map(day => [day.dt, day]))
  const raw = (await rawDays(bucket)).filter(isWanted)
  const days = [...new Set([...compacted.keys(), ...raw])].sort()
  const limit = pLimit(CONCURRENT_READS)
  return (await limit.map(days, dt => objectsOf(dt, compacted.get(dt), bucket))).flat()
}

async function objectsOf(dt: string, day: LedgerDay | undefined, bucket: Archive['bucket']): Promise<EventObject[]> {
  if (day?.expired) return []
  const [manifest, uncompacted] = await Promise.all([
    day && readManifest(bucket, day),
    day?.settled ? [] : uncompactedObjects(dt, day, bucket),
  ])
  const raw = uncompacted.map(object => ({ ...object, dt, kind: 'raw' as const }))
  return manifest ? [...compactedObjects(manifest), ...raw] : raw
}

/** The raw objects of a day that its run does not replace. */
export async function uncompactedObjects(
  dt: string,
  day: LedgerDay | undefined,
  bucket: Pick<ArchiveBucket, 'list' | 'text'>,
): Promise<StoredObject[]> {
  const replaced = new Set(day ? await readReplaced(bucket, day) : [])
  return eventObjects(await bucket.list(rawPrefix(dt))).filter(({ key }) => !replaced.has(key))
}

/** The objects of a run. They count as written when the newest of the raw objects was: nothing has arrived since then. */
export const compactedObjects = ({ dt, objects, repetitions, modified }: Manifest): EventObject[] => {
  const from = (kind: EventObject['kind'], all: Manifest['objects']): EventObject[] =>
    all.map(({ key, bytes, types, footer }) => ({ key, size: bytes, modified, dt, kind, compacted: { types, footer } }))
  return [...from('rows', objects), ...from('repetitions', repetitions)]
}
