import { gunzipSync } from 'node:zlib'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { StoreFailure } from '../store-failure.ts'

/** A bucket with failures that wait to be collected into the quarantine. Errors of S3 are thrown. */
export function failureBucket(bucket: string, client = new S3Client({})) {
  const read = async (key: string): Promise<Uint8Array> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return (await Body?.transformToByteArray()) ?? new Uint8Array()
  }
  return {
    /** The keys with a prefix, in ascending order. */
    async *list(prefix: string): AsyncGenerator<string> {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
        for (const { Key } of Contents) if (Key) yield Key
    },

    read,

    /** The object. Undefined if it does not exist. */
    async readIfThere(key: string): Promise<Uint8Array | undefined> {
      try {
        return await read(key)
      } catch (error) {
        if ((error instanceof StoreFailure ? error.cause : error) instanceof NoSuchKey) return undefined
        throw error
      }
    },

    /** The object as text, decompressed if it is gzip. */
    async readText(key: string): Promise<string> {
      const bytes = Buffer.from(await read(key))
      return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString()
    },

    async put(key: string, body: Uint8Array): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
    },

    async remove(key: string): Promise<void> {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
    },
  }
}
