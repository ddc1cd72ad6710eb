import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { FirehoseClient } from '@aws-sdk/client-firehose'
import { GlueClient } from '@aws-sdk/client-glue'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import { SchedulerClient } from '@aws-sdk/client-scheduler'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Target } from '../target.ts'

/** The clients of all services that `destroy` calls. */
export const destroyClients = (aws: Target['aws'], forcePathStyle = false) => ({
  cloudformation: new CloudFormationClient(aws),
  lambda: new LambdaClient(aws),
  scheduler: new SchedulerClient(aws),
  firehose: new FirehoseClient(aws),
  s3: new S3Client({ ...aws, forcePathStyle }),
  dynamodb: new DynamoDBClient(aws),
  kinesis: new KinesisClient({ ...aws, requestHandler: new NodeHttpHandler() }),
  glue: new GlueClient(aws),
  logs: new CloudWatchLogsClient(aws),
})

export type DestroyClients = ReturnType<typeof destroyClients>
