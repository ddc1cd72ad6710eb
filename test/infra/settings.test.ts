import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { settingsFor } from '../../infra/settings.ts'
import { functionOf } from '../fixtures/function-ids.ts'
import { plain, resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'

const stages = ['dev', 'prod', 'local']

test.each(stages)('in %s the identity window covers 15 minutes and the largest request', stage => {
  const { window, count, memory } = settingsFor(stage).state.identities
  expect(window.toMinutes()).toBeGreaterThanOrEqual(15)
  expect(count).toBeGreaterThanOrEqual(2500)
  expect(memory.toDays()).toBeGreaterThanOrEqual(7)
})

test('prod retains its stores and keeps events for 7 days in the stream; dev deletes its stores and keeps events for a day', () => {
  expect(settingsFor('prod')).toMatchObject({ removal: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, pointInTimeRecovery: true })
  expect(settingsFor('prod').stream.retention).toEqual(Duration.days(7))
  expect(settingsFor('dev')).toMatchObject({ removal: RemovalPolicy.DESTROY, pointInTimeRecovery: false })
  expect(settingsFor('dev').stream.retention).toEqual(Duration.hours(24))
})

test('dev reserves no concurrency, which an account with 10 executions refuses; prod limits the readers of the API', () => {
  const reserved = (stage: string) =>
    resources(templateOf(stage), 'AWS::Lambda::Function').flatMap(({ id, Properties }) =>
      Properties.ReservedConcurrentExecutions === undefined
        ? []
        : [[id.split('Function')[0], Properties.ReservedConcurrentExecutions]],
    )
  expect(reserved('dev')).toEqual([])
  expect(reserved('prod')).toEqual([['Query', 50]])
})

test.each(stages)('in %s the retry budget is less than a tenth of the retention of the stream', stage => {
  const { state, stream } = settingsFor(stage)
  expect(state.retryBudget.toSeconds()).toBeLessThan(stream.retention.toSeconds() / 10)
})

test.each(stages)('in %s a projection that a deployment brings is waited for 15 minutes', stage => {
  expect(settingsFor(stage).deploymentWait).toEqual(Duration.minutes(15))
})

test('the wait for a deployment is a whole number of 1 to 60 minutes: anything else is refused', () => {
  const waitIn = (wait: Duration) =>
    resources(templateWith('dev', { deploymentWait: wait }), 'AWS::Lambda::Function').flatMap(
      ({ Properties }) => Properties.Environment.Variables.DEPLOYMENT_WAIT_MINUTES ?? [],
    )
  expect([waitIn(Duration.minutes(1)), waitIn(Duration.hours(1))]).toEqual([
    ['1', '1'],
    ['60', '60'],
  ])
  for (const [wait, minutes] of [
    [Duration.minutes(0), '0'],
    [Duration.seconds(90), '1.5'],
    [Duration.minutes(61), '61'],
  ] as const)
    expect(() => waitIn(wait)).toThrow(
      `deploymentWait is ${minutes} minutes. Set it to a whole number of 1 to 60 minutes in infra/settings.ts.`,
    )
})

describe('a setting outside of the range that infra/settings-types.ts allows is refused in one line', () => {
  const { state, api, archive } = settingsFor('dev')
  const remembering = (change: Partial<typeof state.identities>) => ({
    state: { ...state, identities: { ...state.identities, ...change } },
  })
  const compacting = (change: Partial<typeof archive.compaction>) => ({
    archive: { ...archive, compaction: { ...archive.compaction, ...change } },
  })
  test.each([
    [
      'state.identities.window is 5 minutes. Set it to a whole number of 15 or more',
      remembering({ window: Duration.minutes(5) }),
    ],
    ['state.identities.window is 15.5 minutes.', remembering({ window: Duration.seconds(930) })],
    ['state.identities.count is 100 identities. Set it to a whole number of 2500 or more', remembering({ count: 100 })],
    ['state.identities.memory is 0.5 days. Set it to a whole number of 1 to 30', remembering({ memory: Duration.hours(12) })],
    ['state.identities.memory is 31 days.', remembering({ memory: Duration.days(31) })],
    [
      'state.lateness is 0.5 hours. Set it to a whole number of 0 or more',
      { state: { ...state, lateness: Duration.minutes(30) } },
    ],
    ['archive.compaction.keepRaw is 0 days. Set it to a whole number of 1 or more', compacting({ keepRaw: Duration.days(0) })],
    ['archive.compaction.keepDays is 1.5 days.', compacting({ keepDays: Duration.hours(36) })],
    ['quarantine.expiry is 90.5 days.', { quarantine: { expiry: Duration.hours(2172) } }],
    ['api.keyRate is 0.5 requests a second. Set it to 1 or more', { api: { ...api, keyRate: 0.5 } }],
  ])('%s', (message, change) => {
    expect(() => templateWith('dev', change)).toThrow(message)
    expect(() => templateWith('dev', change)).toThrow(/^[^\n]* in infra\/settings\.ts\.$/)
  })

  test('the ends of the ranges are allowed', () => {
    const { window, memory } = { window: Duration.minutes(15), memory: Duration.days(30) }
    const template = templateWith('dev', {
      state: { ...state, lateness: Duration.hours(1), identities: { window, count: 2500, memory } },
      ...compacting({ keepRaw: Duration.days(1), keepDays: Duration.days(1) }),
      api: { ...api, keyRate: 1 },
    })
    expect(functionOf(template, 'StateFunction').Environment.Variables).toMatchObject({
      ...{ IDENTITY_MINUTES: '15', IDENTITY_COUNT: '2500', IDENTITY_DAYS: '30', LATENESS_HOURS: '1' },
    })
  })
})

test.each(stages)('in %s the functions behind the API time out before the gateway does, after 30 s', stage => {
  const { ingest, query } = settingsFor(stage).functions
  for (const { timeout } of [ingest, query]) expect(timeout.toSeconds()).toBeLessThan(30)
})

test.each(stages)('in %s the buffer settings allow format conversion in Firehose: 64 to 128 MiB, at least a minute', stage => {
  const { bufferInterval, bufferSize } = settingsFor(stage).archive
  expect(bufferSize.toMebibytes()).toBeGreaterThanOrEqual(64)
  expect(bufferSize.toMebibytes()).toBeLessThanOrEqual(128)
  expect(bufferInterval.toSeconds()).toBeGreaterThanOrEqual(60)
})

test('scheduled reports publish days from 400 before to 1 after an arrival, locally all; 8 runs and one a day for 30 days are kept', () => {
  const limitsIn = (stage: string) => {
    const functions = resources(templateOf(stage), 'AWS::Lambda::Function').filter(({ id }) => id.startsWith('ReportsFunction'))
    const { REPORT_DAYS_BACK, REPORT_DAYS_AHEAD, KEPT_RUNS, KEPT_DAYS } = functions[0]?.Properties.Environment.Variables ?? {}
    return [REPORT_DAYS_BACK, REPORT_DAYS_AHEAD, KEPT_RUNS, KEPT_DAYS]
  }
  expect(['dev', 'prod', 'local'].map(limitsIn)).toEqual([
    ['400', '1', '8', '30'],
    ['400', '1', '8', '30'],
    ['all', 'all', '8', '30'],
  ])
})

test('a local stage uses the OpenSearch of the given URL, and has no search without a URL', () => {
  expect(settingsFor('local').search).toBe('off')
  expect(settingsFor('local', 'http://127.0.0.1:9200').search).toMatchObject({ cluster: { url: 'http://127.0.0.1:9200' } })
})

test.each(['dev-anna', 'dev-feature-12'])('%s has the settings of dev, and its own names', stage => {
  expect(settingsFor(stage)).toBe(settingsFor('dev'))
  const template = templateOf(stage)
  expect(resources(template, 'AWS::Glue::Database')[0]?.Properties.DatabaseInput.Name).toBe(
    `millrace_${stage.replaceAll('-', '_')}`,
  )
  for (const { Properties } of resources(template, 'AWS::CloudWatch::Alarm'))
    expect(Properties.AlarmName).toMatch(new RegExp(`^millrace-${stage} [a-z]`))
})

test('the name of the dashboard contains the region, because all regions of an account share these names', () => {
  expect(plain(resources(templateOf('dev'), 'AWS::CloudWatch::Dashboard')[0]?.Properties.DashboardName)).toBe(
    'millrace-dev-<AWS::Region>',
  )
})

test.each(['staging', 'dev-', 'dev_x', 'dev-X', `dev-${'x'.repeat(40)}`])(
  'the unknown stage %s fails with one line that names the known stages',
  stage => {
    expect(() => settingsFor(stage)).toThrow(/^There is no stage .*\. .*dev.*prod.*local.*$/)
  },
)
