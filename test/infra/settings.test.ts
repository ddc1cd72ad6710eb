import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { settingsFor } from '../../infra/settings.ts'

const stages = ['dev', 'prod', 'local']

test.each(stages)('in %s a client may send again for 15 minutes and as much as the largest request', stage => {
  const { identityWindow, identityCount } = settingsFor(stage).state
  expect(identityWindow.toMinutes()).toBeGreaterThanOrEqual(15)
  expect(identityCount).toBeGreaterThanOrEqual(2500)
})

test('prod keeps events 7 days and what it stores for ever; dev keeps events a day and goes with its stack', () => {
  expect(settingsFor('prod')).toMatchObject({ removal: RemovalPolicy.RETAIN, pointInTimeRecovery: true })
  expect(settingsFor('prod').stream.retention).toEqual(Duration.days(7))
  expect(settingsFor('dev')).toMatchObject({ removal: RemovalPolicy.DESTROY, pointInTimeRecovery: false })
  expect(settingsFor('dev').stream.retention).toEqual(Duration.hours(24))
})

test.each(stages)('in %s an event has spent its retry budget long before the stream forgets it', stage => {
  const { state, stream } = settingsFor(stage)
  expect(state.retryBudget.toSeconds()).toBeLessThan(stream.retention.toSeconds() / 10)
})

test.each(stages)('in %s the functions behind the API answer before the gateway gives up after 30 s', stage => {
  const { ingest, query } = settingsFor(stage).functions
  for (const { timeout } of [ingest, query]) expect(timeout.toSeconds()).toBeLessThan(30)
})

test.each(stages)('in %s Firehose may convert: it buffers 64 to 128 MiB, a minute at least', stage => {
  const { bufferInterval, bufferSize } = settingsFor(stage).archive
  expect(bufferSize.toMebibytes()).toBeGreaterThanOrEqual(64)
  expect(bufferSize.toMebibytes()).toBeLessThanOrEqual(128)
  expect(bufferInterval.toSeconds()).toBeGreaterThanOrEqual(60)
})

test('a local stage uses the OpenSearch it is told of, and does without search otherwise', () => {
  expect(settingsFor('local').search).toBe('off')
  expect(settingsFor('local', 'http://127.0.0.1:9200').search).toMatchObject({ cluster: { url: 'http://127.0.0.1:9200' } })
})

test('an unknown stage is one line that names the known ones', () => {
  expect(() => settingsFor('staging')).toThrow(/^There is no stage staging; .*dev.*prod.*local.*$/)
})
