import { DescribeStacksCommand, ListStackResourcesCommand } from '@aws-sdk/client-cloudformation'
import { GetRoleCommand } from '@aws-sdk/client-iam'
import { DescribeLimitsCommand, DescribeStreamSummaryCommand } from '@aws-sdk/client-kinesis'
import { GetAccountSettingsCommand, GetFunctionConcurrencyCommand } from '@aws-sdk/client-lambda'
import { ListInstanceTypeDetailsCommand, type OpenSearchPartitionInstanceType } from '@aws-sdk/client-opensearch'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { mockClient } from 'aws-sdk-client-mock'
import { doctorClients, readAccount } from '../../cli/doctor/account.ts'
import { accessFinding } from '../../cli/doctor/credentials.ts'
import { needsOf } from '../../cli/doctor/needs.ts'
import { type AccountFacts, planFindings } from '../../cli/doctor/plan-findings.ts'
import { resultOf } from '../../cli/findings.ts'
import { settingsFor } from '../../infra/settings.ts'
import { run } from '../../localstack/cache.ts'

const REGION = 'eu-west-1'
const needs = (stage: string, change: Partial<ReturnType<typeof settingsFor>> = {}) =>
  needsOf(stage, { ...settingsFor(stage), ...change })

/** An account that has all that a stage needs. */
const ready: AccountFacts = {
  account: '123456789012',
  arn: 'arn:aws:iam::123456789012:user/me',
  region: REGION,
  bootstrap: { value: 27 },
  concurrency: { value: { limit: 1000, unreserved: 1000, own: 0 } },
  streams: { value: { shardLimit: 500, openShards: 0, onDemandLimit: 50, onDemand: 0, own: undefined } },
  instanceTypes: { value: ['t3.small.search', 'r7g.large.search'] },
  missingRoles: { value: [] },
}
const concurrency = (limit: number, unreserved = limit, own = 0) => ({ concurrency: { value: { limit, unreserved, own } } })
/** Level, code and remedy of the findings, without the one that names the account. */
const found = (stage: string, change: Partial<AccountFacts>, settings = {}) =>
  planFindings(needs(stage, settings), { ...ready, ...change }).flatMap(({ level, code, remedy }) =>
    code === 'account' ? [] : [[level, code, remedy]],
  )
const MORE = (desired: number) =>
  `aws service-quotas request-service-quota-increase --region ${REGION} --service-code lambda --quota-code L-B99A9384 --desired-value ${desired}`

test('an account that has all needs nothing, and the result names it', () => {
  for (const stage of ['dev', 'prod']) {
    const findings = planFindings(needs(stage), ready)
    expect(findings).toEqual([
      {
        level: 'info',
        code: 'account',
        message: `Stage ${stage} would be deployed to account 123456789012 in eu-west-1, by arn:aws:iam::123456789012:user/me.`,
        remedy: '',
      },
    ])
    expect(resultOf(findings).ok).toBe(true)
  }
})

test('the readers of dev use 4 executions, those of prod 16, and without search half of them', () => {
  expect([needs('dev'), needs('prod'), needs('dev', { search: 'off' })].map(({ readers }) => readers)).toEqual([4, 16, 2])
})

test('a new account with 10 executions takes dev with a warning, and not prod', () => {
  expect(found('dev', concurrency(10))).toEqual([['warning', 'concurrency_low', MORE(1000)]])
  expect(found('prod', concurrency(10))).toEqual([
    ['error', 'concurrency_too_low', MORE(1000)],
    ['error', 'reserved_concurrency', `${MORE(1000)}, or set reservedConcurrency in infra/settings.ts to {}`],
  ])
})

test.each([
  // limit, unreserved, reserved by this stage already, wanted: is it refused?
  [149, 149, 0, 50, true],
  [150, 150, 0, 50, false],
  [1000, 149, 0, 50, true],
  [1000, 100, 50, 50, false],
  [1000, 100, 50, 51, true],
  [10, 10, 0, 1, true],
  [10, 10, 0, 0, false],
])(
  'of %s executions, %s unreserved and %s its own, a stage that reserves %s is refused: %s',
  (limit, unreserved, own, query, refused) => {
    const codes = found('dev', concurrency(limit, unreserved, own), { reservedConcurrency: { query } }).map(([, code]) => code)
    expect(codes.includes('reserved_concurrency')).toBe(refused)
  },
)

test('a reservation that is too high is refused with what AWS lets the account reserve', () => {
  const [, refused] = planFindings(needs('prod'), { ...ready, ...concurrency(2000, 120) })
  expect(refused).toEqual({
    level: 'error',
    code: 'reserved_concurrency',
    message:
      'Stage prod reserves 50 executions, and AWS keeps 100 of an account unreserved: of 2000, 20 can be reserved. The deployment would fail.',
    remedy: `${MORE(2030)}, or set reservedConcurrency in infra/settings.ts to 20 or less in all`,
  })
})

test('a region without the CDK, or with an old one, is set up first', () => {
  const remedy = `npx cdk bootstrap aws://123456789012/${REGION} -c stage=dev`
  expect(found('dev', { bootstrap: { value: undefined } })).toEqual([['error', 'not_bootstrapped', remedy]])
  expect(found('dev', { bootstrap: { value: 5 } })).toEqual([['error', 'bootstrap_too_old', remedy]])
  expect(found('dev', { bootstrap: { value: 6 } })).toEqual([])
})

test('an instance type that the region lacks is refused, with those of the same size', () => {
  const types = ['t3.small.search', 'r6g.large.search', 'm7g.large.search', 'r6g.xlarge.search']
  expect(found('dev', { instanceTypes: { value: types } })).toEqual([])
  const [[level, code, remedy] = []] = found('prod', { instanceTypes: { value: types } })
  expect([level, code]).toEqual(['error', 'instance_type'])
  expect(remedy).toContain('to one of r6g.large.search, m7g.large.search; all: aws opensearch list-instance-type-details')
  expect(found('prod', { instanceTypes: { value: [] } }, { search: 'off' })).toEqual([])
})

test('shards beyond the quota of the region are refused; those of the stage itself do not count twice', () => {
  const streams = (openShards: number, own?: number) => ({
    streams: { value: { shardLimit: 10, openShards, onDemandLimit: 2, onDemand: 2, own } },
  })
  expect(found('prod', streams(6))).toEqual([])
  expect(found('prod', streams(7)).map(([, code]) => code)).toEqual(['shard_quota'])
  expect(found('prod', streams(10, 4))).toEqual([])
  const onDemand = { stream: { ...settingsFor('prod').stream, shards: 'on-demand' as const } }
  expect(found('prod', streams(0), onDemand).map(([, code]) => code)).toEqual(['stream_quota'])
  expect(found('prod', streams(4, 4), onDemand)).toEqual([])
})

test('a service-linked role that is missing is told with the command that creates it, and is no error', () => {
  const name = 'AWSServiceRoleForApplicationAutoScaling_DynamoDBTable'
  const command = 'aws iam create-service-linked-role --aws-service-name dynamodb.application-autoscaling.amazonaws.com'
  expect(found('dev', { missingRoles: { value: [name] } })).toEqual([['info', 'service_linked_role', command]])
  // An on-demand table does not scale.
  expect(needs('prod').roles).toEqual([])
})

test('what could not be checked is a warning that names the right', () => {
  const problem = 'Not checked, because AWS returned AccessDenied: no. The check needs iam:GetRole.'
  expect(planFindings(needs('dev'), { ...ready, missingRoles: { problem } })).toContainEqual({
    level: 'warning',
    code: 'service_linked_role_unchecked',
    message: problem,
    remedy: 'By hand: aws iam list-roles --path-prefix /aws-service-role/',
  })
})

const noStack = Object.assign(new Error('Stack with id millrace-dev does not exist'), { name: 'ValidationError' })

/** AWS for the reads of one account. */
function anAccount({ isDeployed = false } = {}) {
  const clients = doctorClients(REGION)
  const { sts, cloudformation, lambda, kinesis, opensearch, iam } = clients
  mockClient(sts).on(GetCallerIdentityCommand).resolves({ Account: ready.account, Arn: ready.arn })
  const stacks = mockClient(cloudformation)
  const stack = (name: string, OutputKey: string, OutputValue: string) =>
    stacks.on(DescribeStacksCommand, { StackName: name }).resolves({
      Stacks: [
        { StackName: name, CreationTime: new Date(), StackStatus: 'CREATE_COMPLETE', Outputs: [{ OutputKey, OutputValue }] },
      ],
    })
  stacks.on(DescribeStacksCommand).rejects(noStack).on(ListStackResourcesCommand).rejects(noStack)
  stack('CDKToolkit', 'BootstrapVersion', '27')
  if (isDeployed) {
    stack('millrace-dev', 'StreamName', 'stream')
    const resource = (ResourceType: string, PhysicalResourceId: string) => ({
      LogicalResourceId: 'R',
      ResourceType,
      PhysicalResourceId,
      LastUpdatedTimestamp: new Date(),
      ResourceStatus: 'CREATE_COMPLETE' as const,
    })
    stacks.on(ListStackResourcesCommand).resolves({
      StackResourceSummaries: [
        resource('AWS::Lambda::Function', 'query'),
        resource('AWS::Lambda::Function', 'ingest'),
        resource('AWS::S3::Bucket', 'bucket'),
      ],
    })
  }
  mockClient(lambda)
    .on(GetAccountSettingsCommand)
    .resolves({ AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 950 } })
    .on(GetFunctionConcurrencyCommand, { FunctionName: 'query' })
    .resolves({ ReservedConcurrentExecutions: 50 })
    .on(GetFunctionConcurrencyCommand, { FunctionName: 'ingest' })
    .resolves({})
  mockClient(kinesis)
    .on(DescribeLimitsCommand)
    .resolves({ ShardLimit: 500, OpenShardCount: 3, OnDemandStreamCountLimit: 50, OnDemandStreamCount: 1 })
    .on(DescribeStreamSummaryCommand)
    .resolves({
      StreamDescriptionSummary: {
        StreamName: 'stream',
        StreamARN: 'arn',
        StreamStatus: 'ACTIVE',
        RetentionPeriodHours: 24,
        StreamCreationTimestamp: new Date(),
        EnhancedMonitoring: [],
        OpenShardCount: 1,
      },
    })
  const types = mockClient(opensearch)
  const page = (...names: string[]) =>
    names.map(InstanceType => ({ InstanceType: InstanceType as OpenSearchPartitionInstanceType }))
  types
    .on(ListInstanceTypeDetailsCommand, { EngineVersion: 'OpenSearch_3.7' })
    .resolvesOnce({ InstanceTypeDetails: page('t3.small.search'), NextToken: 'more' })
    .resolves({ InstanceTypeDetails: page('r7g.large.search') })
  const roles = mockClient(iam)
  roles.on(GetRoleCommand).rejects(Object.assign(new Error('no such role'), { name: 'NoSuchEntityException' }))
  return { clients, roles }
}

test('the facts of an account are read, before the first deployment and after it', async () => {
  expect(await readAccount(anAccount().clients, REGION, needs('dev'))).toEqual({
    ...ready,
    concurrency: { value: { limit: 1000, unreserved: 950, own: 0 } },
    streams: { value: { shardLimit: 500, openShards: 3, onDemandLimit: 50, onDemand: 1, own: undefined } },
    missingRoles: { value: ['AWSServiceRoleForApplicationAutoScaling_DynamoDBTable'] },
  })
  const deployed = await readAccount(anAccount({ isDeployed: true }).clients, REGION, needs('dev'))
  expect(deployed).toMatchObject({ concurrency: { value: { own: 50 } }, streams: { value: { own: 1 } } })
})

test('one right that is missing hides no other fact', async () => {
  const { clients, roles } = anAccount()
  roles.on(GetRoleCommand).rejects(Object.assign(new Error('not authorized.'), { name: 'AccessDenied' }))
  const facts = await readAccount(clients, REGION, needs('dev'))
  expect(facts.missingRoles).toEqual({
    problem: 'Not checked, because AWS returned AccessDenied: not authorized. The check needs iam:GetRole.',
  })
  expect(facts.bootstrap).toEqual({ value: 27 })
})

test.each([
  ['CredentialsProviderError', false, 'credentials'],
  ['ExpiredToken', false, 'credentials_expired'],
  ['InvalidClientTokenId', true, 'region_not_enabled'],
  ['InvalidClientTokenId', false, 'credentials_invalid'],
  ['TimeoutError', false, 'aws_unreachable'],
])('the error %s of the first call, with valid credentials elsewhere: %s, is %s', async (name, isValid, code) => {
  const elsewhere = new STSClient({ region: 'us-east-1' })
  const identity = mockClient(elsewhere).on(GetCallerIdentityCommand)
  if (isValid) identity.resolves({})
  else identity.rejects(new Error('no'))
  const error = Object.assign(new Error('It failed.'), { name })
  const finding = await accessFinding(error, 'ap-east-1', {}, elsewhere)
  expect(finding).toMatchObject({ level: 'error', code })
  expect(finding.remedy).toMatch(/^aws /)
})

test('without a region and credentials the command says so as JSON, and exits with 1', async () => {
  const { PATH, HOME } = process.env
  const env = {
    PATH,
    HOME,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const doctor = (more: object) =>
    run(process.execPath, ['cli/millrace.ts', 'doctor', '--stage', 'dev', '--json'], { env: { ...env, ...more } })
  for (const [more, code] of [
    [{}, 'region'],
    [{ AWS_REGION: REGION }, 'credentials'],
  ] as const) {
    const { code: exit, output } = await doctor(more)
    expect(exit).toBe(1)
    expect(JSON.parse(output)).toMatchObject({ ok: false, findings: [{ level: 'error', code }] })
  }
}, 60_000)
