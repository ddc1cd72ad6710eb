import { idleUsage, type TemplateResource } from '../../../cli/cost/idle.ts'
import { templateResources } from '../../../cli/cost/stage-template.ts'
import { dollarsOf } from '../../../cli/cost/usage.ts'
import { settingsFor } from '../../../infra/settings.ts'
import { templateOf, templateWith } from '../../fixtures/infra-templates.ts'

const idleOf = (resources: Readonly<Record<string, TemplateResource>>) =>
  Object.fromEntries(Object.entries(idleUsage(resources)).map(([part, usage]) => [part, Number(dollarsOf(usage).toFixed(2))]))

test('shards, provisioned tables, alarms and search nodes cost money while nothing happens', () => {
  const table = { BillingMode: 'PROVISIONED', ProvisionedThroughput: { WriteCapacityUnits: 10, ReadCapacityUnits: 10 } }
  const alarm = { Metrics: [{ Expression: 'm1 + m2' }, { MetricStat: {} }, { MetricStat: {} }] }
  const domain = { ClusterConfig: { InstanceCount: 2, InstanceType: 't3.small.search' }, EBSOptions: { VolumeSize: 10 } }
  expect(
    idleOf({
      EventStreamA: { Type: 'AWS::Kinesis::Stream', Properties: { ShardCount: 2, RetentionPeriodHours: 168 } },
      StateTable: { Type: 'AWS::DynamoDB::Table', Properties: table },
      KeysTable: { Type: 'AWS::DynamoDB::Table', Properties: { BillingMode: 'PAY_PER_REQUEST' } },
      AlarmsOne: { Type: 'AWS::CloudWatch::Alarm', Properties: { MetricName: 'Errors' } },
      AlarmsTwo: { Type: 'AWS::CloudWatch::Alarm', Properties: alarm },
      SearchDomain: { Type: 'AWS::OpenSearchService::Domain', Properties: domain },
      IngestRole: { Type: 'AWS::IAM::Role' },
    }),
  ).toEqual({ stream: 2 * 25.55, tables: 5.69, 'alarms, dashboard': 0.3, search: 2 * (26.28 + 1.22) })
})

test('a schedule costs its calls, and the invocations and first requests of its function', () => {
  const scheduled = (ScheduleExpression: string, functionId: string) => {
    const Target = { Arn: { 'Fn::GetAtt': [functionId, 'Arn'] } }
    return idleUsage({
      [functionId]: { Type: 'AWS::Lambda::Function', Properties: { MemorySize: 1024 } },
      Schedule: { Type: 'AWS::Scheduler::Schedule', Properties: { ScheduleExpression, Target } },
    })['schedules']
  }
  const minutes = 730 * 60
  expect(scheduled('rate(1 minute)', 'ReindexFunctionA1')).toMatchObject({
    ...{ scheduledCalls: minutes, invocations: minutes, readUnits: minutes },
  })
  expect(scheduled('rate(5 minutes)', 'FailuresFunctionA1')?.s3Puts).toBeCloseTo((3 * minutes) / 5, 6)
  expect(scheduled('cron(10 0/3 * * ? *)', 'ReportsFunctionA1')?.invocations).toBeCloseTo(730 / 3, 6)
  expect(scheduled('cron(10 2 * * ? *)', 'SearchSetUpA1')?.computeGbSeconds).toBeCloseTo((2 * 730) / 24, 6)
  expect(() => scheduled('at(2026-11-27T00:00:00)', 'A')).toThrow('cli/cost/schedules.ts does not know how often at(')
})

test('an instance type without a price is an error that names the file', () => {
  const domain = { ClusterConfig: { InstanceCount: 1, InstanceType: 'x9.huge.search' }, EBSOptions: { VolumeSize: 10 } }
  expect(() => idleUsage({ Search: { Type: 'AWS::OpenSearchService::Domain', Properties: domain } })).toThrow(
    'cli/cost/prices.ts has no price of x9.huge.search.',
  )
})

test('the template that the command prices is that of the deployment', async () => {
  expect(idleUsage(await templateResources('prod'))).toEqual(idleUsage(templateOf('prod').toJSON().Resources))
  await expect(templateResources('nowhere')).rejects.toThrow('There is no stage nowhere.')
})

test('without a provisioned table, tickets and dashboard, an idle dev stage costs a shard, a search node and some alarms', () => {
  const dev = settingsFor('dev')
  const lean = {
    state: { ...dev.state, capacity: 'on-demand' },
    alarms: { ...dev.alarms, level: 'pages', dashboard: 'off' },
  } as const
  const monthly = (changes: Parameters<typeof templateWith>[1]): number =>
    Object.values(idleUsage(templateWith('dev', changes).toJSON().Resources)).reduce((sum, usage) => sum + dollarsOf(usage), 0)
  expect(monthly({ ...lean, search: 'off' })).toBeLessThan(15)
  expect(monthly({ ...lean, alarms: { ...lean.alarms, level: 'none' } })).toBeLessThan(40)
  expect(monthly(lean)).toBeLessThan(41)
})
