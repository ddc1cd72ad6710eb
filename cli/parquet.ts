import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { type AsyncBuffer, parquetReadObjects } from 'hyparquet'

interface StoredObject {
  readonly key: string
  readonly size: number
}

/** Objects below a prefix that hold anything, in the order of their keys. */
export async function listObjects(client: S3Client, bucket: string, prefix: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  let next: string | undefined
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: next }))
    objects.push(...(page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, size: Size })))
    next = page.NextContinuationToken
  } while (next)
  return objects.filter(({ size }) => size > 0)
}

/** The rows of a Parquet object, of all columns or only those named, which are then all that is fetched. */
export const readParquet = (client: S3Client, bucket: string, object: StoredObject, columns?: string[]) =>
  parquetReadObjects({ file: rangeReader(client, bucket, object), ...(columns && { columns }) })

/** A stored object as hyparquet reads it: by ranges. */
export function rangeReader(client: S3Client, bucket: string, { key, size }: StoredObject): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      const range = `bytes=${start}-${end - 1}`
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }))
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
    },
  }
}
