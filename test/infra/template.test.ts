import { execFileSync } from 'node:child_process'
import { AwsSolutionsChecks } from 'cdk-nag'
import { settingsFor } from '../../infra/settings.ts'
import { stackOutputs } from '../../shared/outputs.ts'
import { plain, resources, stackOf, templateOf, templateWith } from '../fixtures/infra-templates.ts'

test.each([
  ['dev', () => templateOf('dev')],
  ['prod', () => templateOf('prod')],
  ['dev without search', () => templateWith('dev', { search: 'off' })],
  ['local', () => templateWith('local', settingsFor('local', 'http://127.0.0.1:9200'))],
])('%s has no custom resource', (_stage, make) => {
  const types = Object.values<{ Type: string }>(make().toJSON()['Resources']).map(({ Type }) => Type)
  expect(types.filter(type => type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource')).toEqual([])
  expect(types.length).toBeGreaterThan(70)
})

test.each(['dev', 'prod', 'local'])('every finding of cdk-nag in %s is acknowledged', stage => {
  const stack = stackOf(stage)
  const { violations } = new AwsSolutionsChecks(stack).validateScope(stack)
  expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([])
})

test('the outputs are those that the CLI reads', () => {
  expect(Object.keys(templateOf('dev').findOutputs('*')).sort()).toEqual([...stackOutputs].sort())
})

test.each([
  [{ stage: 'nope' }, /^There is no stage nope\. .*\n$/],
  [{}, /^Choose a stage: add `-c stage=dev`, .*\n$/],
])('without a known stage, as in %j, the app fails with a message of one line', (context, line) => {
  const env = { CDK_CONTEXT_JSON: JSON.stringify(context) }
  const run = () => execFileSync(process.execPath, ['infra/app.ts'], { env, encoding: 'utf8', stdio: 'pipe' })
  expect(run).toThrow(expect.objectContaining({ status: 1, stderr: expect.stringMatching(line) }))
})

test('schedules: search set-up and the p95 report daily, the enriched actions every 3 hours, failures every 5 minutes, jobs every minute', () => {
  const at = '<aws.scheduler.scheduled-time>'
  const schedules = resources(templateOf('dev'), 'AWS::Scheduler::Schedule').map(({ Properties }) => [
    plain(Properties.Target.Arn),
    Properties.ScheduleExpression,
    JSON.parse(plain(Properties.Target.Input)),
  ])
  expect(schedules).toEqual([
    ['<SearchSetUp.Arn>', 'cron(10 2 * * ? *)', {}],
    ['<CompactionFunction.Arn>', 'rate(1 minute)', {}],
    ['<CompactionFunction.Arn>', 'cron(10 3 * * ? *)', { start: {}, scheduled: true }],
    ['<FailuresFunction.Arn>', 'rate(5 minutes)', {}],
    ['<ReindexFunction.Arn>', 'rate(1 minute)', {}],
    ['<ReportsFunction.Arn>', 'cron(10 1 * * ? *)', { report: 'duration-p95', at, once: true }],
    ['<ReportsFunction.Arn>', 'cron(10 0/3 * * ? *)', { report: 'enriched-actions', at, once: true }],
  ])
})
