import type { DynamoDBRecord } from 'aws-lambda'
import type { CloudAccess } from '../../localstack/credentials.ts'

/** A stream of a table: its ARN and the endpoint that serves it. */
export interface TableStream extends CloudAccess {
  readonly arn: string
}

/** Reads all current records of a table's stream; those of a shard in order. */
export async function readStream({ arn, ...cloud }: TableStream): Promise<DynamoDBRecord[]> {
  const { StreamDescription } = await call<{ StreamDescription: { Shards: { ShardId: string }[] } }>(cloud, 'DescribeStream', {
    StreamArn: arn,
  })
  const shards = await Promise.all(StreamDescription.Shards.map(({ ShardId }) => readShard(cloud, arn, ShardId)))
  return shards.flat()
}

async function readShard(cloud: CloudAccess, arn: string, ShardId: string): Promise<DynamoDBRecord[]> {
  const records: DynamoDBRecord[] = []
  const start = { StreamArn: arn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }
  let iterator = (await call<{ ShardIterator?: string }>(cloud, 'GetShardIterator', start)).ShardIterator
  while (iterator) {
    const page: { Records: DynamoDBRecord[]; NextShardIterator?: string } = await call(cloud, 'GetRecords', {
      ShardIterator: iterator,
    })
    if (page.Records.length === 0) break
    records.push(...page.Records)
    iterator = page.NextShardIterator
  }
  return records
}

/** Calls the streams API over HTTP: its JSON has the form in which Lambda passes records to a function. */
async function call<Result>({ endpoint, credentials }: CloudAccess, operation: string, input: object): Promise<Result> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDBStreams_20120810.${operation}`,
      // Neither of the two emulators checks the signature.
      authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify(input),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${operation} failed with status ${response.status}: ${text}`)
  return JSON.parse(text) as Result
}
