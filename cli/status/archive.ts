import type { S3Client } from '@aws-sdk/client-s3'
import { ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'
import { identityText } from '../../shared/event.ts'
import { listObjects, readParquet } from '../parquet.ts'
import type { Identity } from './facts.ts'

const IDENTITY_COLUMNS = ['event_id', 'event_type', 'subject', 'source']

/** Returns a function that reads the identities of all events in the archive. Each call reads only new objects. */
export function archiveReader(client: S3Client, bucket: string): () => Promise<ReadonlySet<Identity>> {
  const identities = new Set<Identity>()
  const read = new Set<string>()
  return async () => {
    for (const object of await listObjects(client, bucket, ARCHIVE_PREFIX)) {
      if (read.has(object.key)) continue
      const rows = await readParquet(client, bucket, object, IDENTITY_COLUMNS)
      for (const row of rows) identities.add(identityIn(row))
      read.add(object.key)
    }
    return identities
  }
}

const identityIn = ({ event_id, event_type, subject, source }: Readonly<Record<string, unknown>>): Identity =>
  identityText({
    id: String(event_id),
    type: String(event_type),
    subject: subject == null ? null : String(subject),
    source: String(source),
  })
