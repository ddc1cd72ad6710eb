import { gunzipSync } from 'node:zlib'
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

/** A bucket in which failures wait to be looked at. All failures of S3 are thrown. */
export function failureBucket(bucket: string, client = new S3Client({})) {
  const read = async (key: string): Promise<Uint8Array> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return (await Body?.transformToByteArray()) ?? new Uint8Array()
  }
  return {
    /** Keys below a prefix, in their order. */
    async *list(prefix: string): AsyncGenerator<string> {
      let token: string | undefined
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }))
        for (const { Key } of page.Contents ?? []) if (Key) yield Key
        token = page.NextContinuationToken
      } while (token)
    },

    read,

    /** The object as text, whether it was compressed or not. */
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
