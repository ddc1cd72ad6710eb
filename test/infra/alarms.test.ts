import { readFileSync } from 'node:fs'
import { settingsFor } from '../../infra/settings.ts'
import { environments } from '../../shared/environment.ts'
import { metrics } from '../../shared/metrics.ts'
import { plain, resource, resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'

const alarms = resources(templateOf('dev'), 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties)
/** The stack's name: the stages of an account do not mix. */
const OWN_NAMESPACE = '<AWS::StackName>'
const nameOf = ({ AlarmName }: { AlarmName: string }): string => AlarmName.replace('millrace-dev ', '')

test('alarms on our own metrics watch metrics that exist', () => {
  const own = alarms.filter(({ Namespace }) => plain(Namespace) === OWN_NAMESPACE)
  expect(own.length).toBeGreaterThan(0)
  for (const { MetricName, Dimensions } of own) {
    expect(Object.keys(metrics)).toContain(MetricName)
    expect(Dimensions).toEqual([{ Name: 'service', Value: expect.stringMatching(/^[a-z-]+$/) }])
  }
})

test('every alarm goes to the topic, and again when it is over; silence is no alarm', () => {
  for (const { AlarmActions, OKActions, TreatMissingData } of alarms) {
    expect([AlarmActions, OKActions].map(actions => actions.map(plain))).toEqual([['<AlarmsTopic>'], ['<AlarmsTopic>']])
    expect(TreatMissingData).toBe('notBreaching')
  }
})

test.each(['state', 'windows', 'index-documents'])('%s is watched at one hour and at six', service => {
  const delays = alarms.filter(alarm => nameOf(alarm).startsWith(`${service}-behind-`))
  expect(delays.map(({ MetricName, Statistic, Threshold }) => [MetricName, Statistic, Threshold])).toEqual([
    ['IteratorAge', 'Maximum', 3_600_000],
    ['IteratorAge', 'Maximum', 6 * 3_600_000],
  ])
})

test.each(Object.keys(environments))('errors of %s raise an alarm', service => {
  expect(alarms.map(nameOf)).toContain(`${service}-errors`)
})

test('an e-mail address gets the alarms', () => {
  const template = templateWith('dev', { alarms: { ...settingsFor('dev').alarms, email: 'who@example.com' } })
  expect(resource(template, 'AWS::SNS::Subscription').Properties).toMatchObject({
    Protocol: 'email',
    Endpoint: 'who@example.com',
  })
  templateOf('dev').resourceCountIs('AWS::SNS::Subscription', 0)
})

test.each([
  ['search-cluster-red', 'ClusterStatus.red', 'GreaterThanOrEqualToThreshold', 1],
  // A quarter of 10 GiB.
  ['search-storage-low', 'FreeStorageSpace', 'LessThanOrEqualToThreshold', 2560],
  ['search-writes-blocked', 'ClusterIndexWritesBlocked', 'GreaterThanOrEqualToThreshold', 1],
])('%s watches %s of the domain', (name, MetricName, ComparisonOperator, Threshold) => {
  const Namespace = 'AWS/ES'
  expect(alarms.find(alarm => nameOf(alarm) === name)).toMatchObject({ Namespace, MetricName, ComparisonOperator, Threshold })
})

/** Of the runbook: what stands under each heading of the second level. General sections have headings of the first. */
const sections = new Map(
  readFileSync('docs/runbook.md', 'utf8')
    .split(/^(?=#+ )/m)
    .filter(section => section.startsWith('## '))
    .map(section => [section.slice('## '.length, section.indexOf('\n')), section] as const),
)

test('the runbook has a heading for every alarm, and no other', () => {
  expect([...sections.keys()].sort()).toEqual(alarms.map(nameOf).sort())
})

test.each([...sections])('the runbook says what %s means, where to look and what mends it', (_name, section) => {
  for (const word of ['Means', 'Look', 'Mend']) expect(section).toMatch(new RegExp(`^\\*\\*${word}:\\*\\* \\S`, 'm'))
})
