import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'
import { type AsyncBuffer, parquetReadObjects } from 'hyparquet'

interface StoredObject {
  readonly key: string
  readonly size: number
  /** When it was written, in milliseconds since 1970. */
  readonly modified: number
}

/** The non-empty objects with this prefix, in key order. */
export async function listObjects(client: S3Client, bucket: string, prefix: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
    objects.push(
      ...Contents.map(({ Key = '', Size = 0, LastModified }) => ({
        key: Key,
        size: Size,
        modified: LastModified?.getTime() ?? 0,
      })),
    )
  return objects.filter(({ size }) => size > 0)
}

/** The rows of a Parquet object with all columns, or with the named ones: then only those are fetched. */
export const readParquet = (client: S3Client, bucket: string, object: Pick<StoredObject, 'key' | 'size'>, columns?: string[]) =>
  parquetReadObjects({ file: rangeReader(client, bucket, object), ...(columns && { columns }) })

/** Reads an object in byte ranges, through hyparquet's interface. */
export function rangeReader(client: S3Client, bucket: string, { key, size }: Pick<StoredObject, 'key' | 'size'>): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      const range = `bytes=${start}-${end - 1}`
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }))
      return new Uint8Array((await Body?.transformToByteArray()) ?? []).buffer
    },
  }
}
