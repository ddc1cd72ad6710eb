import { Duration } from 'aws-cdk-lib'
import { settingsFor } from '../../infra/settings.ts'
import { plain, resource, resources, stackOf, templateOf, templateWith } from '../fixtures/infra-templates.ts'

test.each([
  ['dev', 24],
  ['prod', 168],
])('%s keeps the encrypted event stream for %d hours', (stage, hours) => {
  expect(resource(templateOf(stage), 'AWS::Kinesis::Stream').Properties).toMatchObject({
    RetentionPeriodHours: hours,
    StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
  })
})

test('the stream can have on-demand capacity', () => {
  const template = templateWith('dev', { stream: { ...settingsFor('dev').stream, shards: 'on-demand' } })
  expect(resource(template, 'AWS::Kinesis::Stream').Properties.StreamModeDetails).toEqual({ StreamMode: 'ON_DEMAND' })
})

test('the state table streams both images and expires items by ttl', () => {
  expect(resource(templateOf('prod'), 'AWS::DynamoDB::Table', 'StateTable').Properties).toMatchObject({
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
  })
})

test('the state table of dev has one partition, so that its two readers leave concurrent executions to the API', () => {
  const template = templateOf('dev')
  const { BillingMode, ProvisionedThroughput } = resource(template, 'AWS::DynamoDB::Table', 'StateTable').Properties
  expect([BillingMode, ProvisionedThroughput]).toEqual([undefined, { ReadCapacityUnits: 25, WriteCapacityUnits: 25 }])
  const ranges = resources(template, 'AWS::ApplicationAutoScaling::ScalableTarget').map(({ Properties }) => [
    Properties.ScalableDimension,
    Properties.MaxCapacity,
  ])
  const { ReadCapacityUnits: read = 0, WriteCapacityUnits: write = 0 } = Object.fromEntries(
    ranges.map(([dimension, max]) => [dimension.split(':').at(-1), max]),
  )
  expect(read).toBeGreaterThan(0)
  expect(read / 3000 + write / 1000).toBeLessThan(1)
  expect(resources(templateOf('prod'), 'AWS::ApplicationAutoScaling::ScalableTarget')).toEqual([])
})

test('the quarantine expires items by ttl, and large bodies and bundles a week after their items; after 90 days without another dial', () => {
  const expiring = templateWith('dev', { quarantine: { expiry: Duration.days(30) } })
  const rulesOf = (template: typeof expiring) =>
    resource(template, 'AWS::S3::Bucket', 'QuarantineBucket').Properties.LifecycleConfiguration.Rules.filter(
      ({ Prefix }: { Prefix?: string }) => Prefix !== undefined,
    )
  expect(resource(expiring, 'AWS::DynamoDB::Table', 'Quarantine').Properties.TimeToLiveSpecification).toEqual({
    AttributeName: 'ttl',
    Enabled: true,
  })
  const rulesAfter = (days: number) =>
    ['bodies/', 'bundles/'].map(Prefix => ({ Prefix, ExpirationInDays: days, Status: 'Enabled' }))
  expect(rulesOf(expiring)).toEqual(rulesAfter(37))
  for (const stage of ['dev', 'prod'])
    expect([rulesOf(templateOf(stage)), daysOf(templateOf(stage))]).toEqual([rulesAfter(97), Array(7).fill('90')])
  const forever = templateWith('dev', { quarantine: { expiry: 'none' } })
  expect([rulesOf(forever), daysOf(forever)]).toEqual([[], Array(7).fill('none')])
  expect(daysOf(expiring)).toEqual(Array(7).fill('30'))
})

const daysOf = (template: ReturnType<typeof templateOf>): string[] =>
  resources(template, 'AWS::Lambda::Function').flatMap(
    ({ Properties }) => Properties.Environment?.Variables.QUARANTINE_DAYS ?? [],
  )

test('nothing leaves the quarantine while the stream may deliver it again: a shorter expiry is refused', () => {
  const stream = { ...settingsFor('dev').stream, retention: Duration.days(7) }
  const withExpiry = (days: number) => templateWith('dev', { stream, quarantine: { expiry: Duration.days(days) } })
  expect(() => withExpiry(7)).toThrow(
    'quarantine.expiry is 7 days, but the stream keeps events for 7 days. Set it to 8 days or more in infra/settings.ts.',
  )
  expect(daysOf(withExpiry(8))[0]).toBe('8')
})

test.each([
  ['KeysTable', ['hash']],
  ['KeysUseTable', ['id']],
  ['QuarantineTable', ['key']],
  ['ReportsTable', ['report', 'run']],
  ['StateTable', ['pk', 'sk']],
])('%s has the key %j', (id, names) => {
  const { KeySchema, AttributeDefinitions } = resource(templateOf('dev'), 'AWS::DynamoDB::Table', id).Properties
  expect(KeySchema.map(({ AttributeName }: { AttributeName: string }) => AttributeName)).toEqual(names)
  expect(AttributeDefinitions.every(({ AttributeType }: { AttributeType: string }) => AttributeType === 'S')).toBe(true)
})

const policies = (stage: string, type: string) =>
  resources(templateOf(stage), type).map(({ DeletionPolicy, UpdateReplacePolicy }) => `${DeletionPolicy} ${UpdateReplacePolicy}`)
const KEPT_AFTER_CREATION = 'RetainExceptOnCreate Retain'

test.each([
  ['AWS::DynamoDB::Table', 8, 'Retain Retain'],
  ['AWS::Kinesis::Stream', 1, KEPT_AFTER_CREATION],
  ['AWS::S3::Bucket', 3, KEPT_AFTER_CREATION],
  ['AWS::Logs::LogGroup', 14, KEPT_AFTER_CREATION],
  ['AWS::Glue::Database', 1, KEPT_AFTER_CREATION],
  ['AWS::Glue::Table', 3, KEPT_AFTER_CREATION],
  ['AWS::OpenSearchService::Domain', 1, 'Delete Delete'],
])('prod keeps %s (%d) when the stack is deleted, but not the search cluster, which is rebuilt: %s', (type, count, expected) => {
  expect(policies('prod', type)).toEqual(Array(count).fill(expected))
})

test('dev deletes everything with the stack, log streams with their group', () => {
  const found = Object.values<{ Type: string; DeletionPolicy?: string }>(templateOf('dev').toJSON()['Resources'])
  const kept = found.filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete').map(({ Type }) => Type)
  expect(kept).toEqual(['AWS::Logs::LogStream'])
})

test.each([
  ['dev', false],
  ['prod', true],
])('in %s the protection of the stack and of its tables, and recovery, is %s', (stage, isProtected) => {
  for (const { Properties } of resources(templateOf(stage), 'AWS::DynamoDB::Table'))
    expect(Properties).toMatchObject({
      DeletionProtectionEnabled: isProtected,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: isProtected },
    })
  expect(stackOf(stage).terminationProtection).toBe(isProtected)
})

test('dev has no bucket of access logs, which S3 would fill again while the stack is deleted', () => {
  const buckets = resources(templateOf('dev'), 'AWS::S3::Bucket')
  expect(buckets.map(({ id }) => id).sort()).toEqual(['ArchiveBucket', 'QuarantineBucket'])
  for (const { Properties } of buckets) expect(Properties.LoggingConfiguration).toBeUndefined()
})

test('buckets are private and encrypted, allow TLS only and log every access', () => {
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

test.each([
  ['dev', 7],
  ['prod', 90],
])('%s keeps logs for %d days', (stage, days) => {
  const groups = resources(templateOf(stage), 'AWS::Logs::LogGroup')
  expect(new Set(groups.map(({ Properties }) => Properties.RetentionInDays))).toEqual(new Set([days]))
})
