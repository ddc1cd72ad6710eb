import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NotFound,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from 'hyparquet'
import { ARCHIVE_PREFIX, REPORTS_PREFIX } from '../../shared/archive-columns.ts'
import { SafeError } from '../../shared/safe-error.ts'

export interface StoredObject {
  readonly key: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

/** The archive bucket, as reports read and write it. Every method throws when S3 fails. */
export interface ArchiveBucket {
  /** All objects with a prefix, in the order of their keys. */
  list(prefix: string): Promise<StoredObject[]>
  /** The names of the folders directly below a prefix, such as `dt=2026-01-31`. */
  folders(prefix: string): Promise<string[]>
  /** The text of an object. */
  text(key: string): Promise<string>
  /** Stores a text under a key that nothing has. */
  putNew(key: string, text: string): Promise<void>
  /** The footer of a Parquet object. Throws an error with the key, and with what to do, when the object is not Parquet. */
  footer(object: Pick<StoredObject, 'key' | 'size'>): Promise<FileMetaData>
  /** An object that is read by ranges, or undefined when it does not exist. */
  open(key: string): Promise<AsyncBuffer | undefined>
  download(key: string, file: string): Promise<void>
  upload(file: string, key: string, contentType: string): Promise<void>
  /** Uploads a file unless the key has an object. Returns the bytes of the object that the key has. */
  uploadNew(file: string, key: string, contentType: string): Promise<number>
  /** Copies an object of at most 5 GB. */
  copy(from: string, to: string): Promise<void>
  /** Throws after all deletions if one of them failed. */
  remove(keys: readonly string[]): Promise<void>
  /** One cheap request that shows whether the bucket is reachable. */
  probe(): Promise<void>
}

/** Footers of archive objects are a few KB. A longer one costs a second request. */
const FOOTER_BYTES = 64 * 1024
const KEYS_PER_DELETE = 1000

export function archiveBucket(bucket: string, client = new S3Client({})): ArchiveBucket {
  return { ...reader(bucket, client), ...writer(bucket, client) }
}

const reader = (
  bucket: string,
  client: S3Client,
): Pick<ArchiveBucket, 'list' | 'folders' | 'text' | 'footer' | 'open' | 'download' | 'probe'> => ({
  list: prefix => listObjects(bucket, client, prefix),
  folders: prefix => listFolders(bucket, client, prefix),

  async text(key) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return (await Body?.transformToString()) ?? ''
  },

  async footer({ key, size }) {
    const { slice, ...object } = rangeReader(bucket, client, key, size)
    let isReading = false
    const notedSlice: AsyncBuffer['slice'] = async (...range) => {
      isReading = true
      const bytes = await slice(...range)
      isReading = false
      return bytes
    }
    try {
      return await parquetMetadataAsync({ ...object, slice: notedSlice }, { initialFetchSize: FOOTER_BYTES })
    } catch (error) {
      throw isReading ? new SafeError(`The Parquet footer of ${key} cannot be read.`, { cause: error }) : notParquet(key)
    }
  },

  async open(key) {
    try {
      const { ContentLength = 0 } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
      return rangeReader(bucket, client, key, ContentLength)
    } catch (error) {
      if (error instanceof NotFound) return undefined
      throw error
    }
  },

  async download(key, file) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    if (!(Body instanceof Readable)) throw new SafeError(`The object ${key} has no body.`)
    await pipeline(Body, createWriteStream(file))
  },

  async probe() {
    await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: REPORTS_PREFIX, MaxKeys: 1 }))
  },
})

const notParquet = (key: string): SafeError =>
  new SafeError(
    `The object ${key} is not Parquet or is cut short. Reports fail rather than miss its events. Move it out of ${ARCHIVE_PREFIX}, then run the report again.`,
  )

const writer = (
  bucket: string,
  client: S3Client,
): Pick<ArchiveBucket, 'putNew' | 'upload' | 'uploadNew' | 'copy' | 'remove'> => ({
  async putNew(key, text) {
    const object = { Bucket: bucket, Key: key, Body: text, ContentType: 'application/json' }
    await client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }))
  },

  async upload(file, key, contentType) {
    await client.send(new PutObjectCommand(await objectOf(bucket, file, key, contentType)))
  },

  async uploadNew(file, key, contentType) {
    const object = await objectOf(bucket, file, key, contentType)
    try {
      await client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }))
      return object.ContentLength
    } catch (error) {
      if (!(error instanceof S3ServiceException && error.name === 'PreconditionFailed')) throw error
      const { ContentLength = 0 } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
      return ContentLength
    }
  },

  async copy(from, to) {
    // S3 decodes the source. Keys of the archive have only characters that a path may have.
    await client.send(new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: `${bucket}/${from}` }))
  },

  async remove(keys) {
    const failures: Error[] = []
    for (let at = 0; at < keys.length; at += KEYS_PER_DELETE) {
      const Objects = keys.slice(at, at + KEYS_PER_DELETE).map(Key => ({ Key }))
      const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
      if (Errors?.[0]) failures.push(new SafeError(`The object ${Errors[0].Key} cannot be deleted: ${Errors[0].Message}`))
    }
    if (failures[0]) throw failures[0]
  },
})

const objectOf = async (Bucket: string, file: string, Key: string, ContentType: string) => {
  const { size: ContentLength } = await stat(file)
  return { Bucket, Key, Body: createReadStream(file), ContentLength, ContentType }
}

async function listObjects(bucket: string, client: S3Client, prefix: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
    for (const { Key: key = '', Size: size = 0, LastModified } of Contents)
      objects.push({ key, size, modified: LastModified?.getTime() ?? 0 })
  return objects
}

async function listFolders(bucket: string, client: S3Client, prefix: string): Promise<string[]> {
  const folders: string[] = []
  for await (const { CommonPrefixes = [] } of paginateListObjectsV2(
    { client },
    { Bucket: bucket, Prefix: prefix, Delimiter: '/' },
  ))
    folders.push(...CommonPrefixes.map(({ Prefix = '' }) => Prefix.slice(prefix.length, -1)))
  return folders
}

/** An object as hyparquet reads it: each slice is one ranged GET. */
const rangeReader = (bucket: string, client: S3Client, key: string, size: number): AsyncBuffer => ({
  byteLength: size,
  async slice(start, end = size) {
    const range = { Bucket: bucket, Key: key, Range: `bytes=${start}-${end - 1}` }
    const { Body } = await client.send(new GetObjectCommand(range))
    return copyOf(await Body?.transformToByteArray())
  },
})

/** A buffer with only these bytes. Node's small buffers share a larger one. */
const copyOf = (bytes: Uint8Array = new Uint8Array()): ArrayBuffer => new Uint8Array(bytes).buffer
