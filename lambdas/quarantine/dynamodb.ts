import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import type { RejectionCode } from '../../shared/rejections.ts'

/** One event that is kept aside. Identical refused events (same key name, type and bytes) are one item with a count. */
export interface QuarantinedEvent {
  readonly code: RejectionCode
  readonly message: string
  /** Null when the refused text does not say. */
  readonly type: string | null
  readonly id: string | null
  readonly keyName: string
  /** Milliseconds since 1970; a replay keeps it. */
  readonly received: number
  /** `envelope`: JSON text of an envelope; `text`: what was sent, for what is not even JSON. */
  readonly form: 'envelope' | 'text'
  readonly body: string
}

/** Bodies up to this size, compressed, are kept in the item itself. */
const INLINE_BYTES = 300_000
const WRITES_AT_ONCE = 64

export const quarantineKey = ({ keyName, type, body }: QuarantinedEvent): string =>
  createHash('sha256')
    .update(JSON.stringify([keyName, type, body]))
    .digest('hex')

export interface Quarantine {
  /** Keeps events aside; returns when all of them are stored, throws when one could not be. */
  keep(events: readonly QuarantinedEvent[]): Promise<void>
}

/** The quarantine: a table of what was refused and why; bodies too big for it go to the bucket under the same key. */
export function quarantine(table: string, bucket: string, client = new DynamoDBClient({}), s3 = new S3Client({})): Quarantine {
  const keepOne = async (event: QuarantinedEvent): Promise<void> => {
    const key = quarantineKey(event)
    const body = gzipSync(event.body)
    const inline = body.length <= INLINE_BYTES
    if (!inline) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `bodies/${key}.gz`, Body: body }))
    const facts = {
      ':code': { S: event.code },
      ':message': { S: event.message },
      ':keyName': { S: event.keyName },
      ':received': { N: String(event.received) },
      ':form': { S: event.form },
      ':type': event.type === null ? { NULL: true } : { S: event.type },
      ':id': event.id === null ? { NULL: true } : { S: event.id },
      ...(inline && { ':body': { B: body } }),
    }
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: { key: { S: key } },
        UpdateExpression: `SET ${Object.keys(facts)
          .map(name => `#${name.slice(1)} = if_not_exists(#${name.slice(1)}, ${name})`)
          .join(', ')} ADD #count :one`,
        ExpressionAttributeNames: {
          ...Object.fromEntries(Object.keys(facts).map(name => [`#${name.slice(1)}`, name.slice(1)])),
          '#count': 'count',
        },
        ExpressionAttributeValues: { ...facts, ':one': { N: '1' } },
      }),
    )
  }
  return {
    async keep(events) {
      const limit = pLimit(WRITES_AT_ONCE)
      await Promise.all(events.map(event => limit(() => keepOne(event))))
    },
  }
}
