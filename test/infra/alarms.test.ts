import { readFileSync } from 'node:fs'
import { settingsFor } from '../../infra/settings.ts'
import { environments } from '../../shared/environment.ts'
import { metrics } from '../../shared/metrics.ts'
import { plain, resource, resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'

// biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types
const nameOf = ({ AlarmName }: any): string => AlarmName.replace(/^millrace-(dev|prod) /, '')
/** The alarms of a stage that notify somebody. The parts of composite alarms do not. */
const notifying = (stage: string) =>
  ['Alarm', 'CompositeAlarm']
    .flatMap(kind => resources(templateOf(stage), `AWS::CloudWatch::${kind}`))
    .flatMap(({ Properties }) => (Properties.AlarmActions ? [Properties] : []))
const alarms = notifying('dev')
const all = [...new Map([...alarms, ...notifying('prod')].map(alarm => [nameOf(alarm), alarm])).values()]
/** The name of the stack, so that the stages of an account have separate metrics. */
const OWN_NAMESPACE = '<AWS::StackName>'

test('alarms on product metrics use metrics that exist', () => {
  const own = alarms.filter(({ Namespace }) => plain(Namespace) === OWN_NAMESPACE)
  expect(own.length).toBeGreaterThan(0)
  for (const { MetricName, Dimensions } of own) {
    expect(Object.keys(metrics)).toContain(MetricName)
    expect(Dimensions).toEqual([{ Name: 'service', Value: expect.stringMatching(/^[a-z-]+$/) }])
  }
})

test('every alarm notifies the topic when it fires and when it clears; missing data alone notifies nobody', () => {
  for (const { AlarmActions, OKActions, AlarmRule, TreatMissingData } of all) {
    expect([AlarmActions, OKActions].map(actions => actions.map(plain))).toEqual([['<AlarmsTopic>'], ['<AlarmsTopic>']])
    if (!AlarmRule) expect(TreatMissingData).toBe('notBreaching')
  }
})

test('a page is what cannot wait: the runbook says the same severity as the alarm', () => {
  const severityOf = (text: string | undefined) => /\bSeverity:\**\s+(page|ticket)\./.exec(text ?? '')?.[1]
  for (const alarm of all) {
    expect(severityOf(alarm.AlarmDescription)).toBeDefined()
    expect([nameOf(alarm), severityOf(sections.get(nameOf(alarm)))]).toEqual([nameOf(alarm), severityOf(alarm.AlarmDescription)])
  }
})

test.each(['dev', 'prod'])('%s: the topic of each action of an alarm lets CloudWatch publish for this account', stage => {
  const template = templateOf(stage)
  const topics = new Set(notifying(stage).flatMap(({ AlarmActions, OKActions }) => [...AlarmActions, ...OKActions].map(plain)))
  expect(topics.size).toBeGreaterThan(0)
  for (const topic of topics) {
    const statements = resources(template, 'AWS::SNS::TopicPolicy')
      .filter(({ Properties }) => Properties.Topics.map(plain).includes(topic))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    expect(statements).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: { Ref: expect.stringMatching(new RegExp(`^${topic.slice(1, -1)}`)) },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }),
    )
  }
})

test.each(['state', 'windows', 'index-documents'])('%s has alarms at a lag of one hour and of six hours', service => {
  const delays = alarms.filter(alarm => nameOf(alarm).startsWith(`${service}-behind-`))
  expect(delays.map(({ MetricName, Statistic, Threshold }) => [MetricName, Statistic, Threshold])).toEqual([
    ['IteratorAge', 'Maximum', 3_600_000],
    ['IteratorAge', 'Maximum', 6 * 3_600_000],
  ])
})

test.each([
  ['archive-behind-6h', 'DeliveryToS3.DataFreshness', 6 * 3600],
  ['archive-unread-6h', 'KinesisMillisBehindLatest', 6 * 3_600_000],
])('%s pages while what Firehose has not delivered is still in the stream', (name, MetricName, Threshold) => {
  const alarm = alarms.find(each => nameOf(each) === name)
  expect(alarm).toMatchObject({ Namespace: 'AWS/Firehose', MetricName, Statistic: 'Maximum', Threshold, EvaluationPeriods: 1 })
  expect(alarm?.AlarmDescription).toContain('Severity: page.')
})

test('what Lambda gave up and could not store is paged, for each reader of a stream', () => {
  const lost = alarms.filter(alarm => nameOf(alarm).endsWith('-failures-lost'))
  const functionOf = ({ Dimensions }: { Dimensions: { Name: string; Value: { Ref: string } }[] }) =>
    Dimensions.map(({ Name, Value }) => [Name, Value.Ref])
  const readers = resources(templateOf('dev'), 'AWS::Lambda::EventSourceMapping').map(({ Properties }) => [
    ['FunctionName', Properties.FunctionName.Ref],
  ])
  expect(lost.map(functionOf).sort()).toEqual(readers.sort())
  for (const alarm of lost) {
    expect(alarm).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'DestinationDeliveryFailures',
      Statistic: 'Sum',
      Threshold: 1,
    })
    expect(alarm.AlarmDescription).toContain('Severity: page.')
  }
})

test('functions-throttled counts what a reservation throttles, too, and says so', () => {
  const alarm = all.find(each => nameOf(each) === 'functions-throttled')
  expect(alarm).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'Throttles' })
  expect(alarm?.Dimensions).toBeUndefined()
  expect(alarm?.AlarmDescription).toMatch(/the account, or a function with reserved concurrency,/)
  expect(sections.get('functions-throttled')).toMatch(/^\*\*Means:\*\* the account, or a function with reserved concurrency/m)
})

test('no alarm promises that the archive loses nothing: what Firehose does not deliver expires with the stream', () => {
  const ofArchive = all.filter(alarm => nameOf(alarm).startsWith('archive-'))
  expect(ofArchive.length).toBeGreaterThan(0)
  for (const { AlarmDescription } of ofArchive) expect(AlarmDescription).not.toMatch(/nothing is lost/i)
})

test.each(Object.keys(environments))('%s has an alarm on errors', service => {
  expect(alarms.map(nameOf)).toContain(`${service}-errors`)
})

test('an e-mail address in the settings is subscribed to the alarms', () => {
  const template = templateWith('dev', { alarms: { ...settingsFor('dev').alarms, email: 'who@example.com' } })
  expect(resource(template, 'AWS::SNS::Subscription').Properties).toMatchObject({
    Protocol: 'email',
    Endpoint: 'who@example.com',
  })
  templateOf('dev').resourceCountIs('AWS::SNS::Subscription', 0)
})

test.each([
  ['search-cluster-red', 'ClusterStatus.red', 'GreaterThanOrEqualToThreshold', 1],
  // 25 percent of 10 GiB, in MiB.
  ['search-storage-low', 'FreeStorageSpace', 'LessThanOrEqualToThreshold', 2560],
  ['search-writes-blocked', 'ClusterIndexWritesBlocked', 'GreaterThanOrEqualToThreshold', 1],
])('%s watches %s of the domain', (name, MetricName, ComparisonOperator, Threshold) => {
  const Namespace = 'AWS/ES'
  expect(alarms.find(alarm => nameOf(alarm) === name)).toMatchObject({ Namespace, MetricName, ComparisonOperator, Threshold })
})

test('user-throttled watches the throttled folds of all shards, and its description says where the shard is', () => {
  const alarm = alarms.find(each => nameOf(each) === 'user-throttled')
  expect(alarm).toMatchObject({ MetricName: 'FoldsThrottled', Statistic: 'Sum', Threshold: 1, EvaluationPeriods: 3, Period: 300 })
  expect(alarm?.AlarmDescription).toContain('dimension shard of this metric')
  expect(sections.get('user-throttled')).toContain('FoldsThrottled')
})

/** The sections of the runbook for alarms, by heading: headings of the second level. General sections have headings of the first. */
const sections = new Map(
  readFileSync('docs/runbook.md', 'utf8')
    .split(/^(?=#+ )/m)
    .filter(section => section.startsWith('## '))
    .map(section => [section.slice('## '.length, section.indexOf('\n')), section] as const),
)

test('the runbook has exactly one heading for every alarm', () => {
  expect([...sections.keys()].sort()).toEqual(all.map(nameOf).sort())
})

test.each([...sections])('the runbook says what %s means, where to look and how to fix it', (_name, section) => {
  for (const word of ['Means', 'Look', 'Fix']) expect(section).toMatch(new RegExp(`^\\*\\*${word}:\\*\\* \\S`, 'm'))
})

test.each(all.map(alarm => [nameOf(alarm), alarm.AlarmDescription]))(
  '%s says what happened and ends with its runbook anchor',
  (name, description) => {
    expect(description).toMatch(new RegExp(`\\. Runbook: docs/runbook\\.md#${name}$`))
    expect(description.length).toBeLessThanOrEqual(1024)
  },
)

test('a stage can have only the alarms that cannot wait, or none, and no dashboard', () => {
  const dev = settingsFor('dev')
  const devWith = (alarms: Partial<typeof dev.alarms>) => templateWith('dev', { alarms: { ...dev.alarms, ...alarms } })
  const severities = (template: ReturnType<typeof templateOf>) =>
    resources(template, 'AWS::CloudWatch::Alarm').map(
      ({ Properties }) => /Severity: (\w+)\./.exec(Properties.AlarmDescription)?.[1],
    )
  expect(new Set(severities(devWith({ level: 'pages' })))).toEqual(new Set(['page']))
  expect(severities(devWith({ level: 'none' }))).toEqual([])
  expect(resources(devWith({ dashboard: 'off' }), 'AWS::CloudWatch::Dashboard')).toEqual([])
})
