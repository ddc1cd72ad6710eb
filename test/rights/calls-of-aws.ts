import type { Call } from './evaluate.ts'
import { ACCOUNT, REGION } from './names.ts'
import type { Stage } from './stage.ts'

/** Calls that services of AWS make for a stage, as AWS documents them. */
interface CallsOfAws {
  readonly about: string
  /** Where AWS documents them. */
  readonly source: string
  calls(stage: Stage): readonly Call[]
}

/** A call of a role. It comes by TLS, and no service makes it for another resource. */
export const byRole = (role: string, action: string, resource: string, prefix?: string): Call => ({
  caller: { role },
  action,
  resource,
  context: {
    'aws:SecureTransport': 'true',
    'aws:SourceAccount': undefined,
    'aws:SourceArn': undefined,
    's3:prefix': prefix,
  },
})

/** A call of a service for a resource of this account. */
export const byService = (service: string, action: string, resource: string, sourceArn?: string): Call => ({
  caller: { service: `${service}.amazonaws.com` },
  action,
  resource,
  context: { 'aws:SecureTransport': 'true', 'aws:SourceAccount': ACCOUNT, 'aws:SourceArn': sourceArn },
})

const asRole = (role: string, actions: readonly string[], resources: readonly string[]): Call[] =>
  actions.flatMap(action => resources.map(resource => byRole(role, action, resource)))

/** Event source mappings whose source is of this service, with the role and the source of each. */
const mappingsOf = ({ ofType, resolve, roleOf }: Stage, service: string) =>
  ofType('AWS::Lambda::EventSourceMapping').flatMap(({ id, properties }) => {
    const source = resolve(properties.EventSourceArn)
    const role = roleOf((properties.FunctionName as { Ref: string }).Ref)
    const destination = properties.DestinationConfig?.OnFailure?.Destination
    return source.startsWith(`arn:aws:${service}:`)
      ? [{ id, role, source, destination: destination && resolve(destination) }]
      : []
  })

const LAMBDA_GUIDE = 'https://docs.aws.amazon.com/lambda/latest/dg'
const FIREHOSE_GUIDE = 'https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html'

/** What AWS itself calls: with the roles of the stage, and on its resources. */
export const callsOfAws: readonly CallsOfAws[] = [
  {
    about: 'Each service assumes the roles that are made for it.',
    source: 'https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html',
    calls: stage => [
      ...stage.ofType('AWS::Lambda::Function').map(({ id }) => assume('lambda', stage.roleOf(id))),
      ...stage
        .ofType('AWS::KinesisFirehose::DeliveryStream')
        .map(delivery => assume('firehose', destinationOf(stage, delivery).role)),
      ...stage
        .ofType('AWS::Scheduler::Schedule')
        .map(({ properties }) => assume('scheduler', stage.resolve(properties.Target.RoleArn))),
    ],
  },
  {
    about: 'Lambda writes the log of a function. The log group exists.',
    source: `${LAMBDA_GUIDE}/lambda-intro-execution-role.html`,
    calls: stage =>
      stage.ofType('AWS::Lambda::Function').flatMap(({ id, properties }) => {
        const group = stage.arn((properties.LoggingConfig.LogGroup as { Ref: string }).Ref).replace(/\*$/, '')
        const actions = ['logs:CreateLogStream', 'logs:PutLogEvents']
        return asRole(stage.roleOf(id), actions, [`${group}log-stream:2026/01/01/[$LATEST]0`])
      }),
  },
  {
    about: 'Lambda reads a Kinesis stream, without enhanced fan-out.',
    source: `${LAMBDA_GUIDE}/services-kinesis-create.html`,
    calls: stage =>
      mappingsOf(stage, 'kinesis').flatMap(({ role, source }) => {
        const actions = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards']
        return asRole(role, actions.map(name => `kinesis:${name}`), [source]) // biome-ignore format: one line
      }),
  },
  {
    about: 'Lambda reads the stream of a table.',
    source: `${LAMBDA_GUIDE}/services-dynamodb-eventsourcemapping.html`,
    calls: stage =>
      mappingsOf(stage, 'dynamodb').flatMap(({ role, source }) => [
        ...asRole(role, ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], [source]),
        byRole(role, 'dynamodb:ListStreams', '*'),
      ]),
  },
  {
    about: 'Lambda stores a batch that it gives up in the bucket of the mapping.',
    source: `${LAMBDA_GUIDE}/kinesis-on-failure-destination.html`,
    calls: stage =>
      [...mappingsOf(stage, 'kinesis'), ...mappingsOf(stage, 'dynamodb')].flatMap(({ role, destination }) => [
        byRole(role, 's3:PutObject', `${destination}/aws/lambda/{object}`),
        byRole(role, 's3:ListBucket', destination),
      ]),
  },
  {
    about: 'Firehose reads the event stream, converts by the Glue table, writes to the bucket and logs errors.',
    source: `${FIREHOSE_GUIDE}#using-iam-s3, #using-iam-glue`,
    calls: stage =>
      stage.ofType('AWS::KinesisFirehose::DeliveryStream').flatMap(delivery => {
        const { role, stream, bucket, log, catalog, database, table } = destinationOf(stage, delivery)
        const objects = ['events/{object}', 'errors/{object}']
        return [
          ...asRole(role, ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListShards'].map(inKinesis), [stream]),
          ...asRole(role, ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], [bucket]),
          ...asRole(role, ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], objects.map(key => `${bucket}/${key}`)), // biome-ignore format: one line
          ...asRole(role, ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'], [catalog, database, table]),
          byRole(role, 'logs:PutLogEvents', log),
        ]
      }),
  },
  {
    about: 'Scheduler calls a function.',
    source: 'https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role',
    calls: stage =>
      stage
        .ofType('AWS::Scheduler::Schedule')
        .map(({ properties: { Target } }) =>
          byRole(stage.resolve(Target.RoleArn), 'lambda:InvokeFunction', stage.resolve(Target.Arn)),
        ),
  },
  {
    about: 'The HTTP API calls the function of a route.',
    source: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html',
    calls: stage =>
      routesOf(stage).map(({ api, route, target }) =>
        byService('apigateway', 'lambda:InvokeFunction', target, sourceOf(api, route)),
      ),
  },
  {
    about: 'CloudWatch publishes alarms.',
    source: 'https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html',
    calls: stage =>
      ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm'].flatMap(stage.ofType).flatMap(({ id, properties }) => {
        const alarm = `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${id}`
        const topics = [properties.AlarmActions, properties.OKActions].flatMap((each: unknown[] = []) => each).map(stage.resolve)
        return [...new Set(topics)].map(topic => byService('cloudwatch', 'sns:Publish', topic, alarm))
      }),
  },
  {
    about: 'S3 writes the access log of a bucket.',
    source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html',
    calls: stage =>
      stage.ofType('AWS::S3::Bucket').flatMap(({ id, properties: { LoggingConfiguration: logging } }) => {
        if (!logging) return []
        const key = `${stage.arn(logging.DestinationBucketName.Ref)}/${logging.LogFilePrefix}{date}-{hash}`
        return [byService('logging.s3', 's3:PutObject', key, stage.arn(id))]
      }),
  },
  {
    about: 'OpenSearch writes slow logs.',
    source: 'https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createdomain-configure-slow-logs.html',
    calls: stage =>
      stage.ofType('AWS::OpenSearchService::Domain').flatMap(({ properties: { LogPublishingOptions = {} } }) =>
        (Object.values(LogPublishingOptions) as { CloudWatchLogsLogGroupArn: unknown }[]).flatMap(
          ({ CloudWatchLogsLogGroupArn }) => {
            const stream = stage.resolve(CloudWatchLogsLogGroupArn).replace(/\*$/, 'log-stream:{hash}')
            return ['logs:CreateLogStream', 'logs:PutLogEvents'].map(action => byService('es', action, stream))
          },
        ),
      ),
  },
]

const inKinesis = (name: string): string => `kinesis:${name}`

const assume = (service: string, role: string): Call => byService(service, 'sts:AssumeRole', role)

function destinationOf({ resolve, arn }: Stage, { properties }: ReturnType<Stage['ofType']>[number]) {
  const { KinesisStreamSourceConfiguration: source, ExtendedS3DestinationConfiguration: destination } = properties
  const { DatabaseName } = destination.DataFormatConversionConfiguration.SchemaConfiguration
  const glue = (resource: string) => `arn:aws:glue:${REGION}:${ACCOUNT}:${resource}`
  const group = arn(destination.CloudWatchLoggingOptions.LogGroupName.Ref).replace(/\*$/, '')
  return {
    role: resolve(destination.RoleARN),
    stream: resolve(source.KinesisStreamARN),
    bucket: resolve(destination.BucketARN),
    log: `${group}log-stream:S3Destination`,
    catalog: glue('catalog'),
    database: glue(`database/${DatabaseName}`),
    table: glue(`table/${DatabaseName}/events`),
  }
}

/** The routes of the HTTP API, with the function of each. */
function routesOf({ ofType, resolve }: Stage) {
  const functions = new Map(
    ofType('AWS::ApiGatewayV2::Integration').map(({ id, properties }) => [id, resolve(properties.IntegrationUri)]),
  )
  return ofType('AWS::ApiGatewayV2::Route').map(({ properties: { ApiId, RouteKey, Target } }) => {
    const integration = ((Target['Fn::Join'] as [string, unknown[]])[1].at(-1) as { Ref: string }).Ref
    return { api: resolve(ApiId), route: RouteKey as string, target: functions.get(integration) ?? '' }
  })
}

const sourceOf = (api: string, route: string): string => {
  const [method, path] = route.split(' ')
  return `arn:aws:execute-api:${REGION}:${ACCOUNT}:${api}/$default/${method}${path}`
}
