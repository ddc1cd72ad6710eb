import { projections } from '../../shared/catalogue.ts'
import { templateOf } from '../fixtures/infra-templates.ts'
import { allowed, statementsByRole } from '../fixtures/role-rights.ts'

const failureDestination = { '<QuarantineBucket.Arn>': 's3:ListBucket', '<QuarantineBucket.Arn>/*': 's3:PutObject' }
/** The bodies of rejected events, and requests with too many of them. */
const rejected = { '<QuarantineBucket.Arn>/bodies/*': 's3:PutObject', '<QuarantineBucket.Arn>/refused/*': 's3:PutObject' }
const readChanges = {
  '*': 'dynamodb:ListStreams',
  '<StateTable.StreamArn>': 'dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator',
}
const log = 'logs:CreateLogStream logs:PutLogEvents'

/** Paths of the domain, each with these verbs. */
const onDomain = (verbs: string, ...paths: readonly string[]): Record<string, string> => {
  const actions = verbs.split(' ').map(verb => `es:ESHttp${verb}`)
  return Object.fromEntries(paths.map(path => [`<SearchDomain.Arn>/${path}`, actions.join(' ')]))
}
const names = projections.map(({ name }) => name)
const bulk = onDomain('Post', '_bulk')
const prepareIndices = {
  ...onDomain('Head Put', ...names.map(name => `${name}-r*`)),
  ...onDomain('Get', ...names.map(name => `_alias/${name}`)),
  ...onDomain('Post', '_aliases', ...names.flatMap(name => [`_index_template/${name}-r*`, `${name}-r*/_mapping`])),
}
/** By the first digit of the revision. */
const everyRevision = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(digit => `*-r${digit}*`)
const eraseUsers = {
  ...onDomain('Get', '*-r*/_mapping', ...everyRevision.map(index => `${index}/_refresh`)),
  ...onDomain('Post', ...everyRevision.map(index => `${index}/_search`)),
}
const prepareEvents = onDomain('Post', '_index_template/events-*', 'events-*/_mapping')

const readEvents =
  'kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards'

/** All rights of all roles: the allowed actions by resource. */
const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  IngestFunction: {
    '<AlarmsTopic>': 'sns:Publish',
    '<IngestFunctionLogs.Arn>': log,
    '<EventStream.Arn>': 'kinesis:PutRecords',
    '<KeysTable.Arn>': 'dynamodb:GetItem',
    '<KeysUseTable.Arn>': 'dynamodb:UpdateItem',
    '<QuarantineTable.Arn>': 'dynamodb:UpdateItem',
    '<QuarantineBucket.Arn>/bundles/*': 's3:PutObject',
  },
  StateFunction: {
    '<StateFunctionLogs.Arn>': log,
    '<EventStream.Arn>': readEvents,
    '<StatePagesTable.Arn>': 'dynamodb:BatchGetItem dynamodb:PutItem',
    '<StateTable.Arn>': 'dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem',
    '<QuarantineTable.Arn>': 'dynamodb:UpdateItem',
    ...failureDestination,
  },
  WindowsFunction: {
    '<WindowsFunctionLogs.Arn>': log,
    ...readChanges,
    '<StateTable.Arn>':
      'dynamodb:BatchGetItem dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem',
    '<QuarantineTable.Arn>': 'dynamodb:UpdateItem',
    ...failureDestination,
  },
  SearchIndexDocuments: {
    '<SearchIndexDocumentsLogs.Arn>': log,
    ...readChanges,
    '<StateTable.Arn>': 'dynamodb:Query',
    ...prepareIndices,
    ...bulk,
    ...eraseUsers,
    '<QuarantineTable.Arn>': 'dynamodb:UpdateItem',
    ...failureDestination,
  },
  SearchIndexEvents: {
    '<SearchIndexEventsLogs.Arn>': log,
    '<EventStream.Arn>': readEvents,
    ...prepareEvents,
    ...onDomain('Head Put', 'events-*'),
    ...bulk,
    '<QuarantineTable.Arn>': 'dynamodb:UpdateItem',
    ...failureDestination,
  },
  SearchSetUp: {
    '<SearchSetUpLogs.Arn>': log,
    ...prepareIndices,
    ...prepareEvents,
    ...onDomain('Delete Get', 'events-*'),
    ...onDomain('Post', 'events-*-other/_delete_by_query'),
  },
  SearchDailySetUp: {
    '<SearchSetUp.Arn>': 'lambda:InvokeFunction',
  },
  ArchiveDelivery: {
    '<EventStream.Arn>': 'kinesis:DescribeStream kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards',
    'arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:catalog':
      'glue:GetTable glue:GetTableVersion glue:GetTableVersions',
    'arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:database/millrace_dev':
      'glue:GetTable glue:GetTableVersion glue:GetTableVersions',
    'arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/millrace_dev/events':
      'glue:GetTable glue:GetTableVersion glue:GetTableVersions',
    '<ArchiveBucket.Arn>': 's3:GetBucketLocation s3:ListBucket s3:ListBucketMultipartUploads',
    '<ArchiveBucket.Arn>/events/*': 's3:AbortMultipartUpload s3:GetObject s3:PutObject',
    '<ArchiveBucket.Arn>/errors/*': 's3:AbortMultipartUpload s3:GetObject s3:PutObject',
    '<ArchiveDeliveryErrors.Arn>': 'logs:PutLogEvents',
  },
  CompactionFunction: {
    '<CompactionFunctionLogs.Arn>': log,
    ...Object.fromEntries(
      ['catalog', 'database/millrace_dev', 'table/millrace_dev/archive', 'table/millrace_dev/repetitions'].map(resource => [
        `arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:${resource}`,
        'glue:BatchUpdatePartition glue:CreatePartition glue:DeletePartition glue:GetTable',
      ]),
    ),
    '<ArchiveBucket.Arn>': 's3:ListBucket',
    '<ArchiveBucket.Arn>/events/*': 's3:DeleteObject s3:GetObject',
    '<ArchiveBucket.Arn>/archive/*': 's3:DeleteObject s3:GetObject s3:PutObject',
    '<ArchiveBucket.Arn>/repetitions/*': 's3:DeleteObject s3:GetObject s3:PutObject',
    '<ArchiveBucket.Arn>/manifests/*': 's3:DeleteObject s3:GetObject s3:PutObject',
    '<ArchiveLedgerTable.Arn>': 'dynamodb:GetItem dynamodb:PutItem dynamodb:Query',
    '<JobsTable.Arn>': 'dynamodb:PutItem dynamodb:Query',
  },
  CompactionContinue: {
    '<CompactionFunction.Arn>': 'lambda:InvokeFunction',
  },
  CompactionDaily: {
    '<CompactionFunction.Arn>': 'lambda:InvokeFunction',
  },
  FailuresFunction: {
    '<FailuresFunctionLogs.Arn>': log,
    '<QuarantineTable.Arn>': 'dynamodb:DeleteItem dynamodb:GetItem dynamodb:UpdateItem',
    '<QuarantineBucket.Arn>': 's3:ListBucket',
    '<QuarantineBucket.Arn>/bodies/*': 's3:PutObject',
    '<QuarantineBucket.Arn>/bundles/*': 's3:DeleteObject s3:GetObject',
    '<QuarantineBucket.Arn>/refused/*': 's3:DeleteObject s3:GetObject s3:PutObject',
    '<QuarantineBucket.Arn>/aws/lambda/*': 's3:DeleteObject s3:GetObject',
    '<ArchiveBucket.Arn>': 's3:ListBucket',
    '<ArchiveBucket.Arn>/errors/*': 's3:DeleteObject s3:GetObject',
    '<StatePagesTable.Arn>': 'dynamodb:BatchGetItem',
    '<StateTable.Arn>': 'dynamodb:BatchGetItem dynamodb:GetItem dynamodb:UpdateItem',
  },
  FailuresCollect: {
    '<FailuresFunction.Arn>': 'lambda:InvokeFunction',
  },
  ReplayFunction: {
    '<ReplayFunctionLogs.Arn>': log,
    '<EventStream.Arn>': 'kinesis:PutRecords',
    '<KeysTable.Arn>': 'dynamodb:Scan',
    '<StateTable.Arn>': 'dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem',
    '<QuarantineTable.Arn>': 'dynamodb:DeleteItem dynamodb:GetItem dynamodb:UpdateItem',
    '<QuarantineBucket.Arn>': 's3:ListBucket',
    '<QuarantineBucket.Arn>/bodies/*': 's3:DeleteObject s3:GetObject',
    ...bulk,
  },
  ReindexFunction: {
    '<ReindexFunctionLogs.Arn>': log,
    '<JobsTable.Arn>': 'dynamodb:PutItem dynamodb:Query',
    '<StateTable.Arn>': 'dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query dynamodb:Scan',
    ...prepareIndices,
    ...eraseUsers,
    ...bulk,
    '<QuarantineTable.Arn>': 'dynamodb:UpdateItem',
    ...rejected,
  },
  ReindexContinue: {
    '<ReindexFunction.Arn>': 'lambda:InvokeFunction',
  },
  ReportsFunction: {
    '<ReportsFunctionLogs.Arn>': log,
    '<ArchiveBucket.Arn>': 's3:ListBucket',
    '<ArchiveBucket.Arn>/events/*': 's3:GetObject',
    '<ArchiveBucket.Arn>/archive/*': 's3:GetObject',
    '<ArchiveBucket.Arn>/repetitions/*': 's3:GetObject',
    '<ArchiveBucket.Arn>/manifests/*': 's3:GetObject',
    '<ArchiveLedgerTable.Arn>': 'dynamodb:Query',
    '<ArchiveBucket.Arn>/reports/*': 's3:DeleteObject s3:PutObject',
    '<ReportsTable.Arn>': 'dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query',
  },
  ReportsDailyDurationP95: {
    '<ReportsFunction.Arn>': 'lambda:InvokeFunction',
  },
  ReportsRegularEnrichedActions: {
    '<ReportsFunction.Arn>': 'lambda:InvokeFunction',
  },
  QueryFunction: {
    '<QueryFunctionLogs.Arn>': log,
    '*': 'cloudwatch:GetMetricData',
    '<JobsTable.Arn>': 'dynamodb:GetItem',
    '<QuarantineTable.Arn>': 'dynamodb:BatchGetItem dynamodb:Scan',
    '<QuarantineBucket.Arn>': 's3:ListBucket',
    '<QuarantineBucket.Arn>/bundles/*': 's3:GetObject',
    '<KeysTable.Arn>': 'dynamodb:GetItem',
    '<KeysUseTable.Arn>': 'dynamodb:UpdateItem',
    '<EventStream.Arn>': 'kinesis:ListShards',
    '<StateTable.Arn>': 'dynamodb:GetItem dynamodb:Query',
    '<ReportsTable.Arn>': 'dynamodb:GetItem dynamodb:Query',
    '<ArchiveBucket.Arn>': 's3:ListBucket',
    '<ArchiveBucket.Arn>/reports/*': 's3:GetObject',
    ...onDomain('Head', ''),
    ...onDomain('Post', ...names.map(name => `${name}/_search`), 'events-*/_search'),
  },
}

const found = statementsByRole(templateOf('dev'))

test('the table lists every role', () => {
  expect([...found.keys()].map(id => id.replace(/Role$/, '')).sort()).toEqual(Object.keys(expected).sort())
})

test.each(Object.entries(expected))('%s has exactly the rights of the table', (name, table) => {
  const statements = found.get(`${name}Role`) ?? []
  expect(statements.every(({ Effect }) => Effect === 'Allow')).toBe(true)
  expect(allowed(statements)).toEqual(table)
})
