import { execFileSync } from 'node:child_process'
import { Duration } from 'aws-cdk-lib'
import type { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { settingsFor } from '../../infra/settings.ts'
import { environments, type FunctionName, NONE } from '../../shared/environment.ts'
import { stackOutputs } from '../../shared/outputs.ts'
import { routes } from '../../shared/routes.ts'
import { plain, resource, resources, stackOf, templateOf, templateWith } from '../infra-templates.ts'

const withoutSearch = (): Template => templateWith('dev', { search: 'off' })
const localWithSearch = (): Template => templateWith('local', settingsFor('local', 'http://127.0.0.1:9200'))

/** Functions by the name of their service: the entry's folder of the asset is not in the template, the environment is. */
const functionOf = (template: Template, id: string) => resource(template, 'AWS::Lambda::Function', id).Properties

const functionIds: Readonly<Record<FunctionName, string>> = {
  ingest: 'IngestFunction',
  state: 'StateFunction',
  windows: 'WindowsFunction',
  'index-documents': 'SearchIndexDocuments',
  'index-events': 'SearchIndexEvents',
  'set-up': 'SearchSetUp',
  reports: 'ReportsFunction',
  query: 'QueryFunction',
  replay: 'ReplayFunction',
  'collect-failures': 'FailuresFunction',
  reindex: 'ReindexFunction',
}

describe('the whole', () => {
  test.each([
    ['dev', () => templateOf('dev')],
    ['prod', () => templateOf('prod')],
    ['dev without search', withoutSearch],
    ['local', localWithSearch],
  ])('%s has no custom resource', (_name, make) => {
    const types = Object.values(make().toJSON().Resources as Record<string, { Type: string }>).map(({ Type }) => Type)
    expect(types.filter(type => type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource')).toEqual([])
    expect(types.length).toBeGreaterThan(70)
  })

  test.each(['dev', 'prod', 'local'])('cdk-nag finds nothing in %s that is not acknowledged', stage => {
    const stack = stackOf(stage)
    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack)
    expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([])
  })

  test('the outputs are those that the CLI reads', () => {
    expect(Object.keys(templateOf('dev').findOutputs('*')).sort()).toEqual([...stackOutputs].sort())
  })

  test('an unknown stage fails with one line', () => {
    const context = JSON.stringify({ stage: 'nope' })
    const run = () =>
      execFileSync(process.execPath, ['infra/app.ts'], { env: { CDK_CONTEXT_JSON: context }, encoding: 'utf8', stdio: 'pipe' })
    expect(run).toThrow(expect.objectContaining({ status: 1, stderr: expect.stringMatching(/^There is no stage nope\. .*\n$/) }))
  })
})

describe('functions', () => {
  test.each(Object.entries(functionIds))('%s has exactly the environment it reads', (name, id) => {
    const { Variables } = functionOf(templateOf('dev'), id).Environment
    expect(Object.keys(Variables).sort()).toEqual(
      [...environments[name as FunctionName], 'NODE_OPTIONS', 'POWERTOOLS_METRICS_NAMESPACE'].sort(),
    )
  })

  test('all run on Node 24 and arm64, log as JSON to a group of their own, without tracing', () => {
    const template = templateOf('prod')
    const functions = resources(template, 'AWS::Lambda::Function')
    expect(functions.map(({ id }) => id).sort()).toEqual(Object.values(functionIds).sort())
    for (const { id, Properties } of functions) {
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
      expect(Properties.LoggingConfig).toMatchObject({ LogFormat: 'JSON', SystemLogLevel: 'WARN' })
      expect(plain(Properties.LoggingConfig.LogGroup)).toBe(`<${id}Logs>`)
      expect(Properties.TracingConfig).toBeUndefined()
    }
  })

  test('dials reach the functions as the units their names say', () => {
    const { Variables } = functionOf(templateOf('prod'), 'StateFunction').Environment
    expect(Variables).toMatchObject({
      IDENTITY_MINUTES: '15',
      IDENTITY_COUNT: '2500',
      RETRY_BUDGET_SECONDS: '300',
      LATENESS_HOURS: NONE,
      RETENTION_HOURS: String(7 * 24 + 24),
    })
  })

  test('reports have the time, memory and disk for a large archive', () => {
    expect(functionOf(templateOf('prod'), 'ReportsFunction')).toMatchObject({
      Timeout: 900,
      MemorySize: 3008,
      EphemeralStorage: { Size: 10240 },
    })
  })
})

describe('readers of streams', () => {
  const mapping = (id: string) => resource(templateOf('dev'), 'AWS::Lambda::EventSourceMapping', id).Properties

  test.each(['StateFunctionEventStream', 'WindowsFunctionChanges', 'SearchIndexDocumentsChanges'])(
    '%s reads in order, from the oldest record, and gives one up to the net only an hour before it would be gone',
    id => {
      expect(mapping(id)).toMatchObject({
        StartingPosition: 'TRIM_HORIZON',
        ParallelizationFactor: 1,
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        MaximumRetryAttempts: -1,
        MaximumRecordAgeInSeconds: 23 * 3600,
      })
      expect(plain(mapping(id).DestinationConfig.OnFailure.Destination)).toBe('<QuarantineBucket.Arn>')
    },
  )

  test('a stage that keeps events longer gives them up later, at most after the seven days that Lambda allows', () => {
    const ageOf = (template: Template, id: string) =>
      resource(template, 'AWS::Lambda::EventSourceMapping', id).Properties.MaximumRecordAgeInSeconds
    expect(ageOf(templateOf('prod'), 'StateFunctionEventStream')).toBe((7 * 24 - 1) * 3600)
    expect(ageOf(templateOf('prod'), 'WindowsFunctionChanges')).toBe(23 * 3600)
    const long = templateWith('prod', { stream: { ...settingsFor('prod').stream, retention: Duration.days(30) } })
    expect(ageOf(long, 'StateFunctionEventStream')).toBe(7 * 24 * 3600)
  })

  test('states and raw events read the event stream; windows and documents are the two readers of the changes', () => {
    expect(plain(mapping('StateFunctionEventStream').EventSourceArn)).toBe('<EventStream.Arn>')
    expect(plain(mapping('WindowsFunctionChanges').EventSourceArn)).toBe('<StateTable.StreamArn>')
    expect(plain(mapping('SearchIndexDocumentsChanges').EventSourceArn)).toBe('<StateTable.StreamArn>')
    expect(plain(mapping('SearchIndexEventsEventStream').EventSourceArn)).toBe('<EventStream.Arn>')
    expect(resources(templateOf('dev'), 'AWS::Lambda::EventSourceMapping')).toHaveLength(4)
  })

  test('windows are called for user items only, documents for every item, states for every record', () => {
    const [filter] = mapping('WindowsFunctionChanges').FilterCriteria.Filters
    expect(JSON.parse(filter.Pattern)).toEqual({ dynamodb: { Keys: { sk: { S: ['state'] } } } })
    expect(mapping('SearchIndexDocumentsChanges').FilterCriteria).toBeUndefined()
    expect(mapping('StateFunctionEventStream').FilterCriteria).toBeUndefined()
  })
})

describe('stores', () => {
  test.each([
    ['dev', 24],
    ['prod', 168],
  ])('%s keeps the encrypted event stream %d hours', (stage, hours) => {
    expect(resource(templateOf(stage), 'AWS::Kinesis::Stream').Properties).toMatchObject({
      RetentionPeriodHours: hours,
      StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
    })
  })

  test('the stream can have on-demand capacity', () => {
    const template = templateWith('dev', { stream: { ...settingsFor('dev').stream, shards: 'on-demand' } })
    expect(resource(template, 'AWS::Kinesis::Stream').Properties.StreamModeDetails).toEqual({ StreamMode: 'ON_DEMAND' })
  })

  test('the state table streams both images and lets items expire by ttl', () => {
    expect(resource(templateOf('dev'), 'AWS::DynamoDB::Table', 'State').Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    })
  })

  test.each([
    ['KeysTable', ['hash']],
    ['QuarantineTable', ['key']],
    ['ReportsTable', ['report', 'run']],
    ['StateTable', ['pk', 'sk']],
  ])('%s has the key %j', (id, names) => {
    const { KeySchema, AttributeDefinitions } = resource(templateOf('dev'), 'AWS::DynamoDB::Table', id).Properties
    expect(KeySchema.map(({ AttributeName }: { AttributeName: string }) => AttributeName)).toEqual(names)
    expect(AttributeDefinitions.every(({ AttributeType }: { AttributeType: string }) => AttributeType === 'S')).toBe(true)
  })

  const stores = ['AWS::DynamoDB::Table', 'AWS::Kinesis::Stream', 'AWS::S3::Bucket', 'AWS::OpenSearchService::Domain']

  test.each([
    ['dev', 'Delete', false],
    ['prod', 'Retain', true],
  ])('in %s the stores are left to %s with the stack; protected and restorable: %s', (stage, policy, kept) => {
    const all = stores.flatMap(type => resources(templateOf(stage), type))
    expect(all).toHaveLength(9)
    for (const { DeletionPolicy } of all) expect(DeletionPolicy).toBe(policy)
    for (const { Properties } of resources(templateOf(stage), 'AWS::DynamoDB::Table'))
      expect(Properties).toMatchObject({
        DeletionProtectionEnabled: kept,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: kept },
      })
    expect(stackOf(stage).terminationProtection).toBe(kept)
  })

  test('buckets are private, encrypted, reached by TLS only and log their accesses', () => {
    const template = templateOf('prod')
    for (const { id, Properties } of resources(template, 'AWS::S3::Bucket')) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true])
      expect(Properties.BucketEncryption.ServerSideEncryptionConfiguration).toHaveLength(1)
      if (id !== 'AccessLogs') expect(plain(Properties.LoggingConfiguration.DestinationBucketName)).toBe('<AccessLogs>')
    }
    for (const { Properties } of resources(template, 'AWS::S3::BucketPolicy'))
      expect(Properties.PolicyDocument.Statement[0]).toMatchObject({
        Effect: 'Deny',
        Action: 's3:*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      })
  })

  test('logs are kept as long as the stage says', () => {
    const days = (stage: string) =>
      new Set(resources(templateOf(stage), 'AWS::Logs::LogGroup').map(({ Properties }) => Properties.RetentionInDays))
    expect(days('dev')).toEqual(new Set([7]))
    expect(days('prod')).toEqual(new Set([90]))
  })
})

describe('the API', () => {
  test('has the routes of shared/routes.ts, each to its function', () => {
    const template = templateOf('dev')
    const target = (id: string): string =>
      plain(resource(template, 'AWS::ApiGatewayV2::Integration', id).Properties.IntegrationUri)
    const found = resources(template, 'AWS::ApiGatewayV2::Route').map(({ Properties }) => {
      const integration = /<(.+)>/.exec(plain(Properties.Target))?.[1] ?? ''
      return [Properties.RouteKey, target(integration)]
    })
    const expected = routes.map(route => [`${route.method} ${route.path}`, `<${functionIds[route.function]}.Arn>`])
    expect(found.sort()).toEqual(expected.sort())
  })

  test('leaves CORS to the functions, throttles, and logs neither queries nor paths', () => {
    expect(resource(templateOf('prod'), 'AWS::ApiGatewayV2::Api').Properties.CorsConfiguration).toBeUndefined()
    const { DefaultRouteSettings, AccessLogSettings, StageName } = resource(
      templateOf('prod'),
      'AWS::ApiGatewayV2::Stage',
    ).Properties
    expect(StageName).toBe('$default')
    expect(DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 2000, ThrottlingBurstLimit: 4000 })
    expect(plain(AccessLogSettings.DestinationArn)).toBe('<ApiAccessLogs.Arn>')
    expect(AccessLogSettings.Format).not.toMatch(/\$context\.path|query|sourceIp/i)
  })

  test('opens only after Firehose reads the stream, which it does from then on', () => {
    const template = templateOf('dev')
    const delivery = Object.keys(template.findResources('AWS::KinesisFirehose::DeliveryStream'))[0]
    for (const { DependsOn } of resources(template, 'AWS::ApiGatewayV2::Stage')) expect(DependsOn).toContain(delivery)
    for (const { DependsOn } of resources(template, 'AWS::ApiGatewayV2::Route')) expect(DependsOn).toContain(delivery)
  })
})

describe('search', () => {
  test('is an encrypted OpenSearch 3.7 that speaks TLS only and publishes slow logs', () => {
    expect(resource(templateOf('prod'), 'AWS::OpenSearchService::Domain').Properties).toMatchObject({
      EngineVersion: 'OpenSearch_3.7',
      DomainEndpointOptions: { EnforceHTTPS: true, TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' },
      NodeToNodeEncryptionOptions: { Enabled: true },
      EncryptionAtRestOptions: { Enabled: true },
      ClusterConfig: { InstanceCount: 2, ZoneAwarenessEnabled: true },
      LogPublishingOptions: { SEARCH_SLOW_LOGS: { Enabled: true }, INDEX_SLOW_LOGS: { Enabled: true } },
    })
  })

  test('knows the roles that use it and nobody else', () => {
    const { AccessPolicies } = resource(templateOf('dev'), 'AWS::OpenSearchService::Domain').Properties
    const allowed = AccessPolicies.Statement.flatMap((statement: { Effect: string; Principal: { AWS: unknown } }) =>
      [statement.Principal.AWS].flat().map(principal => `${statement.Effect} ${plain(principal)}`),
    )
    expect(new Set(allowed)).toEqual(
      new Set(
        ['SearchIndexDocuments', 'SearchIndexEvents', 'SearchSetUp', 'QueryFunction', 'ReindexFunction', 'ReplayFunction'].map(
          role => `Allow <${role}Role.Arn>`,
        ),
      ),
    )
  })

  test('can be left out: no domain, no functions, and queries are told so', () => {
    const template = withoutSearch()
    template.resourceCountIs('AWS::OpenSearchService::Domain', 0)
    expect(resources(template, 'AWS::Lambda::Function').filter(({ id }) => id.startsWith('Search'))).toEqual([])
    expect(functionOf(template, 'QueryFunction').Environment.Variables.OPENSEARCH_URL).toBe(NONE)
    const outputs = template.findOutputs('*')
    expect([outputs['OpenSearchUrl']?.['Value'], outputs['SetUpFunction']?.['Value']]).toEqual([NONE, NONE])
    expect(resources(template, 'AWS::Lambda::EventSourceMapping').map(({ id }) => id)).toHaveLength(2)
  })

  test('runs elsewhere for a local stage, whose functions run on this machine', () => {
    const template = localWithSearch()
    template.resourceCountIs('AWS::OpenSearchService::Domain', 0)
    expect(functionOf(template, 'SearchIndexDocuments')).toMatchObject({
      Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
      Environment: { Variables: { OPENSEARCH_URL: 'http://127.0.0.1:9200' } },
    })
  })
})

test('every day the p95 report is asked for with the scheduled instant, and search is set up; every 3 hours the enriched actions; failures are collected all the time', () => {
  const at = '<aws.scheduler.scheduled-time>'
  const schedules = resources(templateOf('dev'), 'AWS::Scheduler::Schedule').map(({ Properties }) => [
    plain(Properties.Target.Arn),
    Properties.ScheduleExpression,
    JSON.parse(plain(Properties.Target.Input)),
  ])
  expect(schedules).toEqual([
    ['<SearchSetUp.Arn>', 'cron(10 2 * * ? *)', {}],
    ['<FailuresFunction.Arn>', 'rate(5 minutes)', {}],
    ['<ReportsFunction.Arn>', 'cron(10 1 * * ? *)', { report: 'duration-p95', at, once: true }],
    ['<ReportsFunction.Arn>', 'cron(10 0/3 * * ? *)', { report: 'enriched-actions', at, once: true }],
  ])
})
