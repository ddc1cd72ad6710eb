import { ApiGatewayV2Client, GetApisCommand } from '@aws-sdk/client-apigatewayv2'
import { CloudFormationClient, DescribeStacksCommand, ValidateTemplateCommand } from '@aws-sdk/client-cloudformation'
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch'
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { FirehoseClient, ListDeliveryStreamsCommand } from '@aws-sdk/client-firehose'
import { GetDatabasesCommand, GlueClient } from '@aws-sdk/client-glue'
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam'
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler'
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns'
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { CloudAccess } from '../credentials.ts'
import { cloudSettings } from '../ministack.ts'
import type { Answers, Service } from './needs.ts'

/** Emulators load a service at its first call. */
const ANSWER_MS = 30_000

type Settings = ReturnType<typeof settingsOf>

/** HTTP/1.1: many emulators have no HTTP/2, which the Kinesis client uses by default. */
const settingsOf = (cloud: CloudAccess) => ({ ...cloudSettings(cloud), maxAttempts: 2, requestHandler: new NodeHttpHandler() })

const within = () => ({ abortSignal: AbortSignal.timeout(ANSWER_MS) })

/** A read-only call of each service that needs no resource. */
const calls: Readonly<Record<Exclude<Service, 'STS' | 'ECR'>, (settings: Settings) => Promise<unknown>>> = {
  CloudFormation: settings => new CloudFormationClient(settings).send(new DescribeStacksCommand({}), within()),
  IAM: settings => new IAMClient(settings).send(new ListRolesCommand({ MaxItems: 1 }), within()),
  SSM: settings => new SSMClient(settings).send(new DescribeParametersCommand({}), within()),
  S3: settings => new S3Client({ ...settings, forcePathStyle: true }).send(new ListBucketsCommand({}), within()),
  Lambda: settings => new LambdaClient(settings).send(new ListFunctionsCommand({}), within()),
  Kinesis: settings => new KinesisClient(settings).send(new ListStreamsCommand({}), within()),
  DynamoDB: settings => new DynamoDBClient(settings).send(new ListTablesCommand({}), within()),
  Firehose: settings => new FirehoseClient(settings).send(new ListDeliveryStreamsCommand({}), within()),
  Glue: settings => new GlueClient(settings).send(new GetDatabasesCommand({}), within()),
  'API Gateway v2': settings => new ApiGatewayV2Client(settings).send(new GetApisCommand({}), within()),
  'CloudWatch Logs': settings => new CloudWatchLogsClient(settings).send(new DescribeLogGroupsCommand({}), within()),
  SNS: settings => new SNSClient(settings).send(new ListTopicsCommand({}), within()),
  CloudWatch: settings => new CloudWatchClient(settings).send(new DescribeAlarmsCommand({}), within()),
  'EventBridge Scheduler': settings => new SchedulerClient(settings).send(new ListSchedulesCommand({}), within()),
}

/** The account of the access key. Throws the error of the SDK. */
export async function askAccount(cloud: CloudAccess): Promise<string | undefined> {
  const { Account } = await new STSClient(settingsOf(cloud)).send(new GetCallerIdentityCommand({}), within())
  return Account
}

/** Asks for each service, and which of these types of resources CloudFormation knows. Changes nothing. */
export async function askServices(cloud: CloudAccess, types: readonly string[]): Promise<Answers> {
  const settings = settingsOf(cloud)
  const failures = new Map<Service, string>()
  const ask = ([service, call]: [string, (settings: Settings) => Promise<unknown>]): Promise<unknown> =>
    call(settings).catch(error => failures.set(service as Service, reasonOf(error)))
  const [unknownTypes] = await Promise.all([askTypes(settings, types), ...Object.entries(calls).map(ask)])
  return { failures, unknownTypes }
}

/** CloudFormation names the types of a template that it does not know. Of an emulator that does not, nothing is known. */
async function askTypes(settings: Settings, types: readonly string[]): Promise<string[]> {
  const Resources = Object.fromEntries(types.map((Type, index) => [`R${index}`, { Type }]))
  const TemplateBody = JSON.stringify({ Resources })
  const call = new CloudFormationClient(settings).send(new ValidateTemplateCommand({ TemplateBody }), within())
  const message = await call.then(
    () => '',
    (error: Error) => error.message,
  )
  const named = /Unrecognized resource types: \[([^\]]*)\]/.exec(message)?.[1]?.split(/, */) ?? []
  return types.filter(type => named.includes(type))
}

/** A failed call of the SDK. */
export type CallError = Error & {
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly statusCode?: number }
}

export const statusOf = ({ $metadata, $response }: CallError): number | undefined =>
  $metadata?.httpStatusCode ?? $response?.statusCode

/** The status and the name of an error, without anything else that the emulator sent. */
function reasonOf(error: CallError): string {
  const name = error.code ?? error.name
  return [statusOf(error), /^\w+$/.test(name) ? name : 'error'].filter(Boolean).join(' ')
}
