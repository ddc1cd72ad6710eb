import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from 'hyparquet'
import { REPORTS_PREFIX } from '../../shared/archive-columns.ts'

import { SafeError } from '../../shared/safe-error.ts'

export interface StoredObject {
  readonly key: string
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

/** The archive's bucket, as reports read and write it. */
export interface Archive {
  /** Every object below a prefix, in the order of keys. */
  list(prefix: string): Promise<StoredObject[]>
  /** The footer of a Parquet object. Throws with the key where the object is no Parquet. */
  footer(object: Pick<StoredObject, 'key' | 'size'>): Promise<FileMetaData>
  /** An object to read by ranges, or undefined when there is none. */
  open(key: string): Promise<AsyncBuffer | undefined>
  download(key: string, file: string): Promise<void>
  upload(file: string, key: string, contentType: string): Promise<void>
  remove(keys: readonly string[]): Promise<void>
  /** Throws when the bucket cannot be asked. */
  probe(): Promise<void>
}

/** Footers of archive objects are a few KB; a longer one costs a second request. */
const FOOTER_BYTES = 64 * 1024
const KEYS_PER_DELETE = 1000

/** Opens the bucket; all failures of S3 are thrown. */
export function archive(bucket: string, client = new S3Client({})): Archive {
  const get = (key: string, range?: string) => client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }))
  const ranged = (key: string, size: number): AsyncBuffer => ({
    byteLength: size,
    slice: async (start, end = size) => exactly(await (await get(key, `bytes=${start}-${end - 1}`)).Body?.transformToByteArray()),
  })

  return {
    async list(prefix) {
      const objects: StoredObject[] = []
      let token: string | undefined
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }))
        for (const { Key: key = '', Size: size = 0, LastModified } of page.Contents ?? [])
          objects.push({ key, size, modified: LastModified?.getTime() ?? 0 })
        token = page.NextContinuationToken
      } while (token)
      return objects
    },

    async footer({ key, size }) {
      try {
        return await parquetMetadataAsync(ranged(key, size), { initialFetchSize: FOOTER_BYTES })
      } catch (error) {
        throw new SafeError(`The footer of ${key} cannot be read.`, { cause: error })
      }
    },

    async open(key) {
      try {
        const { ContentLength = 0 } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
        return ranged(key, ContentLength)
      } catch (error) {
        if (error instanceof NotFound) return undefined
        throw error
      }
    },

    download: async (key, file) => pipeline((await get(key)).Body as Readable, createWriteStream(file)),

    async upload(file, key, contentType) {
      const { size } = await stat(file)
      const put = { Bucket: bucket, Key: key, Body: createReadStream(file), ContentLength: size, ContentType: contentType }
      await client.send(new PutObjectCommand(put))
    },

    async remove(keys) {
      for (let at = 0; at < keys.length; at += KEYS_PER_DELETE) {
        const Objects = keys.slice(at, at + KEYS_PER_DELETE).map(Key => ({ Key }))
        const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
        if (Errors?.[0]) throw new SafeError(`${Errors[0].Key} cannot be deleted: ${Errors[0].Message}`)
      }
    },

    async probe() {
      await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: REPORTS_PREFIX, MaxKeys: 1 }))
    },
  }
}

/** A buffer of just these bytes: Node's small ones share a larger one. */
const exactly = (bytes: Uint8Array = new Uint8Array()): ArrayBuffer => new Uint8Array(bytes).buffer
