import { readFileSync } from 'node:fs'
import { settingsFor } from '../infra/settings.ts'
import { environments } from '../shared/environment.ts'
import { metrics } from '../shared/metrics.ts'
import { plain, resource, resources, templateOf, templateWith } from './infra-templates.ts'

const alarms = resources(templateOf('dev'), 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties)
/** The stack's name: the stages of an account do not mix. */
const OWN_NAMESPACE = '<AWS::StackName>'
const nameOf = ({ AlarmName }: { AlarmName: string }): string => AlarmName.replace('millrace-dev ', '')

/** Our own metrics on the dashboard, as [service, name]. */
function shown(): [string, string][] {
  const body = JSON.parse(plain(resource(templateOf('dev'), 'AWS::CloudWatch::Dashboard').Properties.DashboardBody)) as {
    widgets: { properties: { metrics: string[][] } }[]
  }
  return body.widgets
    .flatMap(({ properties }) => properties.metrics)
    .filter(([namespace]) => namespace === OWN_NAMESPACE)
    .map(([, name = '', dimension, service = '']) => {
      expect(dimension).toBe('service')
      return [service, name]
    })
}

test('the dashboard shows metrics that functions emit, and every one of them', () => {
  for (const [service, name] of shown()) {
    expect(Object.keys(environments)).toContain(service)
    expect(Object.keys(metrics)).toContain(name)
  }
  expect([...new Set(shown().map(([, name]) => name))].sort()).toEqual(Object.keys(metrics).sort())
})

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

test('the runbook has a heading for every alarm', () => {
  const headings = [...readFileSync('docs/runbook.md', 'utf8').matchAll(/^#+ `?([a-z0-9-]+)`?$/gm)].map(([, heading]) => heading)
  expect(alarms.map(nameOf).filter(name => !headings.includes(name))).toEqual([])
})
