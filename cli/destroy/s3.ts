import { DeleteBucketCommand, DeleteObjectsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { UserError } from '../../shared/user-error.ts'
import { unlessMissing } from './missing.ts'

/** Deletes all objects of a bucket, if it exists. The buckets have no versions. */
export async function emptyBucket(client: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const page = await unlessMissing(client.send(new ListObjectsV2Command({ Bucket })))
    const Objects = (page?.Contents ?? []).map(({ Key }) => ({ Key }))
    if (Objects.length === 0) return
    const { Errors: [error] = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
    if (error) throw new UserError(`S3 did not delete an object of ${Bucket}: ${error.Code} ${error.Message}`)
  }
}

const ATTEMPTS = 5

/** Empties a bucket and deletes it. Objects that arrive meanwhile are deleted, too. Returns undefined if it does not exist. */
export async function deleteBucket(client: S3Client, Bucket: string): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    await emptyBucket(client, Bucket)
    try {
      return await unlessMissing(client.send(new DeleteBucketCommand({ Bucket })))
    } catch (error) {
      if ((error as Error).name !== 'BucketNotEmpty' || attempt === ATTEMPTS) throw error
    }
  }
}
