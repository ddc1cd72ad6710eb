import type { S3Client } from '@aws-sdk/client-s3'
import { archiveLedger } from '../../lambdas/archive/dynamodb.ts'
import { listEvents } from '../../lambdas/archive/list-events.ts'
import { archiveBucket } from '../../lambdas/archive/s3.ts'
import { ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'
import { identityText } from '../../shared/event.ts'
import { floorTo } from '../../shared/time.ts'
import { dynamodbOf, s3Of } from '../clients.ts'
import { listObjects, readParquet } from '../parquet.ts'
import type { Target } from '../target.ts'
import type { Identity } from './facts.ts'

const HOUR_MS = 3_600_000
const IDENTITY_COLUMNS = ['event_id', 'event_type', 'subject', 'source']

/** Returns a function that reads the identities of all events in the archive. Each call reads only new objects. */
export function archiveReader(target: Target): () => Promise<ReadonlySet<Identity>> {
  const [client, bucket] = [s3Of(target), target.outputs.ArchiveBucket]
  const archive = { bucket: archiveBucket(bucket, client), ledger: archiveLedger(target.outputs.LedgerTable, dynamodbOf(target)) }
  const identities = new Set<Identity>()
  const read = new Set<string>()
  return async () => {
    for (const object of await listEvents(archive)) {
      if (read.has(object.key)) continue
      const rows = await readParquet(client, bucket, object, IDENTITY_COLUMNS)
      for (const row of rows) identities.add(identityIn(row))
      read.add(object.key)
    }
    return identities
  }
}

/**
 * Returns a function that reads the identities of the events that were written to the archive since `from`. The hour in the name of
 * an object is that of its oldest event, which may have arrived an hour earlier.
 */
export function recentArchive(client: S3Client, bucket: string, from: number): (now: number) => Promise<ReadonlySet<Identity>> {
  const identities = new Set<Identity>()
  const read = new Set<string>()
  return async now => {
    for (const prefix of hoursBetween(from - HOUR_MS, now))
      for (const object of await listObjects(client, bucket, prefix)) {
        if (read.has(object.key) || object.modified < from) continue
        const rows = await readParquet(client, bucket, object, IDENTITY_COLUMNS)
        for (const row of rows) identities.add(identityIn(row))
        read.add(object.key)
      }
    return identities
  }
}

/** The prefixes of the objects of these hours, both included. */
function hoursBetween(from: number, to: number): string[] {
  const hours: string[] = []
  for (let hour = floorTo(from, HOUR_MS); hour <= to; hour += HOUR_MS) {
    const [day, time = ''] = new Date(hour).toISOString().split('T')
    hours.push(`${ARCHIVE_PREFIX}dt=${day}/hour=${time.slice(0, 2)}/`)
  }
  return hours
}

const identityIn = ({ event_id, event_type, subject, source }: Readonly<Record<string, unknown>>): Identity =>
  identityText({
    id: String(event_id),
    type: String(event_type),
    subject: subject == null ? null : String(subject),
    source: String(source),
  })
