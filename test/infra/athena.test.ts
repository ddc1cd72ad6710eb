import { engineProblems } from '../../infra/report-engine.ts'
import { settingsFor } from '../../infra/settings.ts'
import { reports, reportsFolder } from '../../shared/catalogue.ts'
import { plain, resource, resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'
import { visitsByPage } from '../fixtures/reports/toy/visits-by-page.ts'
import { allowed, statementsByRole } from '../fixtures/role-rights.ts'

const dev = settingsFor('dev')
const athena = { reports: { ...dev.reports, engine: 'athena' } } as const
const template = templateWith('dev', athena)

const rightsOfReports = (of: typeof template) => allowed(statementsByRole(of).get('ReportsFunctionRole') ?? [])

test('queries run in a workgroup that decides the engine, the place and the encryption of results, and how much is read', () => {
  const { Properties } = resource(template, 'AWS::Athena::WorkGroup')
  const { ResultConfiguration, ...configuration } = Properties.WorkGroupConfiguration
  expect(Properties).toMatchObject({ Name: 'millrace-dev', RecursiveDeleteOption: true })
  expect(configuration).toEqual({
    EnforceWorkGroupConfiguration: true,
    EngineVersion: { SelectedEngineVersion: 'Athena engine version 3' },
    BytesScannedCutoffPerQuery: 2 ** 40,
  })
  expect(plain(ResultConfiguration.OutputLocation)).toBe('s3://<ArchiveBucket>/athena/results/')
  expect(ResultConfiguration).toMatchObject({
    EncryptionConfiguration: { EncryptionOption: 'SSE_S3' },
    ExpectedBucketOwner: { Ref: 'AWS::AccountId' },
  })
})

test('what a stopped run has left expires', () => {
  const { Properties } = resource(template, 'AWS::S3::Bucket', 'ArchiveBucket')
  expect(Properties.LifecycleConfiguration.Rules).toContainEqual({ ExpirationInDays: 2, Prefix: 'athena/', Status: 'Enabled' })
})

test('the function of the reports may run queries in the workgroup, over these tables, with results below one prefix', () => {
  const before = rightsOfReports(templateOf('dev'))
  const glue = (of: string) => `arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:${of}`
  const read = ['BatchGetPartition', 'GetDatabase', 'GetPartition', 'GetPartitions', 'GetTable']
    .map(name => `glue:${name}`)
    .join(' ')
  expect(rightsOfReports(template)).toEqual({
    ...before,
    '<ArchiveBucket.Arn>': 's3:GetBucketLocation s3:ListBucket',
    '<ArchiveBucket.Arn>/athena/*': 's3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject',
    'arn:<AWS::Partition>:athena:<AWS::Region>:<AWS::AccountId>:workgroup/millrace-dev':
      'athena:GetQueryExecution athena:GetQueryResults athena:StartQueryExecution athena:StopQueryExecution',
    [glue('catalog')]: read,
    [glue('database/millrace_dev')]: read,
    [glue('table/millrace_dev/events')]: read,
    [glue('table/millrace_dev/archive')]: read,
    [glue('table/millrace_dev/repetitions')]: read,
    [glue('database/default')]: 'glue:GetDatabase',
  })
})

test('no other role, and no stage with the engine duckdb, has anything of it', () => {
  const [others, before] = [statementsByRole(template), statementsByRole(templateOf('dev'))]
  for (const roles of [others, before]) roles.delete('ReportsFunctionRole')
  expect(others).toEqual(before)
  expect(['dev', 'prod'].flatMap(stage => resources(templateOf(stage), 'AWS::Athena::WorkGroup'))).toEqual([])
})

test('the function knows the workgroup, and without Athena that there is none', () => {
  const workgroupOf = (of: typeof template) =>
    resource(of, 'AWS::Lambda::Function', 'ReportsFunction').Properties.Environment.Variables.ATHENA_WORKGROUP
  expect([workgroupOf(template), workgroupOf(templateOf('dev'))]).toEqual(['millrace-dev', 'none'])
})

test('a report without SQL for Athena stops the synthesis of a stage with Athena, in one line that says what to do', () => {
  const all = [...reports, visitsByPage]
  expect(engineProblems('dev', dev, all, reportsFolder)).toEqual([])
  expect(engineProblems('dev', athena, reports, reportsFolder)).toEqual([])
  expect(engineProblems('dev', athena, all, reportsFolder)).toEqual([
    "The stage dev has reports.engine 'athena', and there is no shared/reports/visits-by-page.athena.sql: write it, or set 'duckdb' in infra/settings.ts.",
  ])
})

test('the local cloud refuses Athena in one line', () => {
  expect(engineProblems('local', athena, reports, reportsFolder)).toEqual([
    "The local cloud has no Athena: set reports.engine of the stage local to 'duckdb' in infra/settings.ts.",
  ])
})
