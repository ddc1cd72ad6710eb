import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { StoreFailure } from '../store-failure.ts'
import { decodedText } from './decoded-text.ts'

const PART_BYTES = 8 * 2 ** 20

export interface ListedObject {
  readonly key: string
  /** In bytes. */
  readonly size: number
}

/** Whether S3 has no object of this key. */
export const isMissing = (error: unknown): boolean => (error instanceof StoreFailure ? error.cause : error) instanceof NoSuchKey

/** A bucket with failures that wait to be collected into the quarantine. Errors of S3 are thrown. */
export function failureBucket(bucket: string, client = new S3Client({})) {
  const read = async (key: string, range?: string): Promise<Uint8Array> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...(range && { Range: range }) }))
    return (await Body?.transformToByteArray()) ?? new Uint8Array()
  }
  const readParts = async function* ({ key, size }: ListedObject): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < size; start += PART_BYTES) yield await read(key, `bytes=${start}-${start + PART_BYTES - 1}`)
  }
  return {
    /** The objects with a prefix, in ascending order of their keys. The S3 console marks a folder with an empty object: those are left out. */
    async *list(prefix: string): AsyncGenerator<ListedObject> {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
        for (const { Key = '', Size = 0 } of Contents) if (Size > 0 || !Key.endsWith('/')) yield { key: Key, size: Size }
    },

    read,

    /** The object. Undefined if it does not exist. */
    async readIfThere(key: string): Promise<Uint8Array | undefined> {
      try {
        return await read(key)
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },

    /**
     * The text of an object in parts, decompressed if it is gzip. Each part is a request: a large object needs little memory, and
     * no connection waits while a part is processed.
     */
    readText: (object: ListedObject): AsyncGenerator<string> => decodedText(readParts(object)),

    async put(key: string, body: Uint8Array): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
    },

    async remove(key: string): Promise<void> {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
    },
  }
}
