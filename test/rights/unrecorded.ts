import { ACCOUNT, REGION } from './names.ts'

/** Calls that functions make, or are known to be permitted to, but in no scenario on the local cloud. */
interface UnrecordedCalls {
  /** In the form of the recording. */
  readonly lines: readonly string[]
  /** Why no scenario makes them, and which test does. */
  readonly reason: string
}

const streamReaders = ['SearchIndexDocuments', 'SearchIndexEvents', 'StateFunction', 'WindowsFunction']
const quarantineWriters = ['FailuresFunction', 'ReindexFunction', ...streamReaders]

export const unrecorded: readonly UnrecordedCalls[] = [
  {
    lines: ['events', 'archive', 'repetitions', 'manifests'].map(
      prefix => `CompactionFunction s3:DeleteObject <ArchiveBucket.Arn>/${prefix}/{object}`,
    ),
    reason: 'Deletes objects a day after nobody refers to them any more: test/archive/compaction-property.test.ts.',
  },
  {
    lines: [
      `arn:aws:glue:${REGION}:${ACCOUNT}:catalog`,
      ...['Database', 'Archive', 'Repetitions'].map(name => `<ArchiveTable${name}.Arn>`),
    ].map(resource => `CompactionFunction glue:DeletePartition ${resource}`),
    reason: 'Removes expired days, of which a stage has none by default: test/archive/compaction.test.ts.',
  },
  {
    lines: quarantineWriters.flatMap(name => [
      `${name} s3:PutObject <QuarantineBucket.Arn>/bodies/{hash}.gz`,
      `${name} s3:PutObject <QuarantineBucket.Arn>/refused/{hash}.gz`,
    ]),
    reason: 'A body, or a number of events, that is too large for the table: test/quarantine/dynamodb-read.test.ts.',
  },
  {
    lines: streamReaders.map(name => `${name} s3:PutObject <QuarantineBucket.Arn>/bundles/{hash}.gz`),
    reason: 'No reader of a stream makes it: it may write to the whole bucket, as Lambda documents for its failure destination.',
  },
  {
    lines: [
      'FailuresFunction s3:DeleteObject <QuarantineBucket.Arn>/refused/{hash}.gz',
      'FailuresFunction s3:GetObject <QuarantineBucket.Arn>/refused/{hash}.gz',
    ],
    reason: 'Collects a number of events that is too large for the table: test/quarantine/quarantine.test.ts.',
  },
  {
    lines: [
      'StateFunction dynamodb:BatchGetItem <StatePagesTable.Arn>',
      'FailuresFunction dynamodb:BatchGetItem <StatePagesTable.Arn>',
    ],
    reason:
      'Pages of identities that are not in the memory of the function, as after its start: test/contracts/state-table.scenario.ts.',
  },
  {
    lines: ['WindowsFunction dynamodb:UpdateItem <QuarantineTable.Arn>'],
    reason: 'A delta that its window rejects, or that nobody knows for 15 minutes: test/windows/unknown-deltas.test.ts.',
  },
  {
    lines: ['WindowsFunction dynamodb:BatchGetItem <StateTable.Arn>', 'WindowsFunction dynamodb:UpdateItem <StateTable.Arn>'],
    reason: 'Quarantines what a write of the state function passed over: test/windows/passed-over.test.ts.',
  },
  {
    lines: ['SearchIndexEvents dynamodb:UpdateItem <QuarantineTable.Arn>'],
    reason:
      'A raw event that OpenSearch rejects. Its mapping accepts what ingest accepts. The code is that of index-documents, which is recorded.',
  },
  {
    lines: ['WindowsFunction dynamodb:DeleteItem <StateTable.Arn>'],
    reason:
      'Deletes deltas that were stored for a roll-back, and pages of users: test/windows/retired-deltas.test.ts and user-pages.test.ts.',
  },
  {
    lines: ['ReplayFunction dynamodb:PutItem <StateTable.Arn>', 'ReplayFunction dynamodb:DeleteItem <StateTable.Arn>'],
    reason:
      'Merges a delta into the window that passed it over, and writes the pages of its users: test/ingest/replay-delta.test.ts.',
  },
  {
    lines: ['SearchIndexDocuments', 'ReindexFunction'].flatMap(name => [
      `${name} es:ESHttpGet <SearchDomain.Arn>/*-r*/_mapping`,
      ...Array.from({ length: 9 }, (_, at) => `{user-window}-r${at + 1}`).flatMap(index => [
        `${name} es:ESHttpGet <SearchDomain.Arn>/${index}/_refresh`,
        `${name} es:ESHttpPost <SearchDomain.Arn>/${index}/_search`,
      ]),
    ]),
    reason: 'Finds the documents of an erased user. No command erases a user yet: test/infra/search-rights.test.ts.',
  },
  {
    lines: [
      'SearchIndexDocuments es:ESHttpPut <SearchDomain.Arn>/{projection}-r1',
      'SearchIndexDocuments es:ESHttpPut <SearchDomain.Arn>/{user-window}-r1',
      'SearchIndexDocuments es:ESHttpPost <SearchDomain.Arn>/_aliases',
      'SearchIndexEvents es:ESHttpHead <SearchDomain.Arn>/events-{type}-{date}',
      'SearchIndexEvents es:ESHttpPut <SearchDomain.Arn>/events-{type}-{date}',
    ],
    reason: 'Creates an index that somebody deleted while the function was warm: test/infra/search-rights.test.ts.',
  },
  {
    lines: ['FailuresFunction s3:ListBucket <QuarantineBucket.Arn>', 'FailuresFunction s3:ListBucket <ArchiveBucket.Arn>'],
    reason: 'S3 checks it for an object that is missing, because another run has just collected it.',
  },
  {
    lines: ['ReplayFunction s3:ListBucket <QuarantineBucket.Arn>'],
    reason:
      'S3 checks it for an object that is gone, because it expired or another replay removed it: test/ingest/replay-events.test.ts.',
  },
  {
    lines: ['ReportsFunction s3:DeleteObject <ArchiveBucket.Arn>/reports/{report}/{object}'],
    reason: 'Deletes objects a day after they were last published: test/reports/sweep-property.test.ts.',
  },
  {
    lines: ['ReportsFunction dynamodb:DeleteItem <ReportsTable.Arn>'],
    reason: 'Releases the lock of a run that failed: test/reports/plan.test.ts.',
  },
]
