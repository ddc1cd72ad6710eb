import { AthenaClient } from '@aws-sdk/client-athena'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import { Client } from '@opensearch-project/opensearch'
import { AwsSigv4Signer } from '@opensearch-project/opensearch/aws-v3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { ExactSerializer } from '../lambdas/search/opensearch.ts'
import { NONE } from '../shared/environment.ts'
import type { Target } from './target.ts'

/** Lambda's maximum timeout, which a report may use in full. */
const REPORT_MS = 15 * 60_000

export const athenaOf = ({ aws }: Target): AthenaClient => new AthenaClient(aws)
export const dynamodbOf = ({ aws }: Target): DynamoDBClient => new DynamoDBClient(aws)
export const logsOf = ({ aws }: Target): CloudWatchLogsClient => new CloudWatchLogsClient(aws)
export const s3Of = ({ aws, local }: Target): S3Client => new S3Client({ ...aws, forcePathStyle: local })
/** Uses HTTP/1.1: the client's default, HTTP/2, loses large calls to the local cloud. With `maxAttempts` 1, it does not retry. */
export const kinesisOf = ({ aws }: Target, maxAttempts = 3): KinesisClient =>
  new KinesisClient({ ...aws, maxAttempts, requestHandler: new NodeHttpHandler() })
/** Waits until a report has ended. It does not retry: a retry would run the report a second time. */
export const lambdaOf = ({ aws }: Target): LambdaClient =>
  new LambdaClient({ ...aws, maxAttempts: 1, requestHandler: new NodeHttpHandler({ requestTimeout: REPORT_MS }) })

/** A client of the search cluster; undefined for a stage without OpenSearch. Requests to a stage are signed with the user's AWS credentials. */
export async function searchOf(target: Target): Promise<Client | undefined> {
  const node = target.outputs.OpenSearchUrl
  if (node === NONE) return undefined
  // Clients choose the names of fields in documents, and one may be __proto__.
  const options = { node, disablePrototypePoisoningProtection: true, Serializer: ExactSerializer }
  if (target.local) return new Client(options)
  const { region, credentials } = dynamodbOf(target).config
  return new Client({
    ...options,
    ...AwsSigv4Signer({ region: await region(), service: 'es', getCredentials: async () => credentials() }),
  })
}
