import { ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'
import type { ArchiveBucket, StoredObject } from './s3.ts'

const EVENT_OBJECT = new RegExp(`^${ARCHIVE_PREFIX}dt=\\d{4}-\\d\\d-\\d\\d/hour=\\d\\d/.+\\.parquet$`)

/** The objects that hold events, sorted by key. Keys begin with the hour of arrival. */
export const eventObjects = (listed: readonly StoredObject[]): StoredObject[] =>
  listed.filter(({ key, size }) => size > 0 && EVENT_OBJECT.test(key)).toSorted((a, b) => (a.key < b.key ? -1 : 1))

/** The objects that hold all events, in the order of arrival. */
export const listEvents = async (bucket: Pick<ArchiveBucket, 'list'>): Promise<StoredObject[]> =>
  eventObjects(await bucket.list(ARCHIVE_PREFIX))
