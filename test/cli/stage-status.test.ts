import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch'
import { mockClient } from 'aws-sdk-client-mock'
import { readAlarms, readMetrics } from '../../cli/status/cloudwatch.ts'
import {
  arrivalsAt,
  deltasAreMerged,
  metricFacts,
  type StageFacts,
  stageSentences,
  stageStatus,
} from '../../cli/status/plan-stage.ts'
import { projections } from '../../shared/catalogue.ts'
import type { WindowItem } from '../../shared/grains/user-window.ts'
import { aUserItem } from '../fixtures/builders.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const MINUTE_MS = 60_000

const facts = (change: Partial<StageFacts> = {}, newest: Partial<StageFacts['newest']> = {}): StageFacts => ({
  metrics: { accepted: 1000, recent: 20, unreadFrom: undefined },
  documents: 70,
  quarantined: 3,
  alarms: [],
  ...change,
  newest: {
    from: '2026-01-01T11:45:00.000Z',
    to: '2026-01-01T12:00:00.000Z',
    streamRead: true,
    events: 20,
    folded: 20,
    archived: 20,
    windowsMerged: true,
    documentsMissing: 0,
    ...newest,
  },
})

test('a stage is settled when every store has the newest events and no reader has older ones unread', () => {
  expect(stageStatus(facts())).toMatchObject({ settled: true, accepted: 1000, folded: 1000, archived: 1000, indexed: 70 })
  const unsettled = [
    facts({}, { streamRead: false }),
    facts({}, { folded: 19 }),
    facts({}, { archived: 19 }),
    facts({}, { windowsMerged: false }),
    facts({}, { documentsMissing: 1 }),
    facts({ metrics: { accepted: 1000, recent: 20, unreadFrom: NOW - 901_000 } }),
    facts({ alarms: ['windows-errors'] }),
    facts({ alarms: ['index-documents-behind-6h'] }),
    facts({ alarms: ['archive-behind'] }),
    facts({ alarms: ['archive-unread-6h'] }),
  ]
  expect(unsettled.map(one => stageStatus(one).settled)).toEqual(unsettled.map(() => false))
  expect(stageStatus(facts({ alarms: ['api-5xx', 'reports-errors', 'state-table-throttled'] })).settled).toBe(true)
  expect(stageStatus(facts({ metrics: { accepted: 1000, recent: 20, unreadFrom: NOW - 900_000 } })).settled).toBe(true)
})

test('what the newest events lack is subtracted from the estimate, which CloudWatch may not have complete yet', () => {
  expect(stageStatus(facts({}, { folded: 15, archived: 2 }))).toMatchObject({ accepted: 1000, folded: 995, archived: 982 })
  const early = facts({ metrics: { accepted: 0, recent: 0, unreadFrom: undefined } }, { folded: 5 })
  expect(stageStatus(early)).toMatchObject({ accepted: 20, folded: 5 })
})

test('the output says what is exact and what is estimated', () => {
  const { exact, estimated } = stageStatus(facts())
  expect({ exact, estimated }).toEqual({
    exact: ['quarantined', 'newest'],
    estimated: ['settled', 'accepted', 'folded', 'archived', 'indexed'],
  })
  const [counts, newest, alarms] = stageSentences(stageStatus(facts({ alarms: ['api-5xx'] }, { folded: 12, streamRead: false })))
  expect(counts).toContain('in progress: about 1000 accepted, 992 folded')
  expect(newest).toContain('compared (exact): the newest 20 events')
  expect(newest).toContain('not read to its end yet')
  expect(alarms).toContain('api-5xx')
})

test('accepted events are those of ingest and of replays, without recognised re-deliveries', () => {
  const at = (minutes: number) => new Date(NOW - minutes * MINUTE_MS)
  const found = metricFacts(
    [
      { Id: 'accepted', Values: [100, 50] },
      { Id: 'replayed', Values: [7] },
      { Id: 'repeated', Values: [2, 1] },
      { Id: 'recent', Values: [40, 10] },
      { Id: 'unread_1', Timestamps: [at(1), at(11)], Values: [30, 9000] },
    ],
    NOW,
  )
  expect(found).toEqual({ accepted: 154, recent: 50, unreadFrom: NOW - 90_000 })
  expect(metricFacts([], NOW)).toEqual({ accepted: 0, recent: 0, unreadFrom: undefined })
})

test('of a busy stage the last minute is compared, of another one 15 minutes, and what a reader left unread since then', () => {
  const minutes = (recent: number, unread?: number) => {
    const unreadFrom = unread && NOW - unread * MINUTE_MS
    return (NOW - arrivalsAt(NOW, { accepted: 0, recent, unreadFrom }).from) / MINUTE_MS
  }
  expect([minutes(10_000), minutes(10_001)]).toEqual([15, 1])
  expect([minutes(10_001, 0.5), minutes(10_001, 8), minutes(10_001, 20), minutes(10_000, 8)]).toEqual([1, 8, 15, 15])
})

test('windows are complete when they have the last deltas of each user, but for erased and unknown ones', () => {
  const window: WindowItem = { kind: 'window', user: 'd', projection: 'device-minutes-r1', start: 60, version: 10, state: {} }
  const user = (order: number, change: object = {}) => aUserItem('d', { outbox: [{ ...window, order }], ...change })
  const merged = (...[item, parts = [window]]: [ReturnType<typeof user>, WindowItem[]?]) =>
    deltasAreMerged([item], parts, projections)
  expect([merged(user(10)), merged(user(11)), merged(user(10), [])]).toEqual([true, false, false])
  expect(merged(user(11, { erasedOrder: 11 }))).toBe(true)
  expect(merged(aUserItem('d', { outbox: [{ ...window, projection: 'gone-r1', order: 11 }] }))).toBe(true)
})

test('alarms that notify nobody are parts of others and are not shown, for example while a stage is idle', async () => {
  const client = new CloudWatchClient({ region: 'any' })
  const alarm = (name: string, ...AlarmActions: string[]): MetricAlarm => ({ AlarmName: `millrace-dev ${name}`, AlarmActions })
  mockClient(client)
    .on(DescribeAlarmsCommand, {
      AlarmNamePrefix: 'millrace-dev ',
      StateValue: 'ALARM',
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
    })
    .resolvesOnce({ MetricAlarms: [alarm('api-5xx', 'topic'), alarm('state-not-reading (5m: nothing read)')], NextToken: 'more' })
    .resolves({ CompositeAlarms: [alarm('state-not-reading', 'topic')] })
  expect(await readAlarms(client, 'millrace-dev')).toEqual(['api-5xx', 'state-not-reading'])
})

test('the sums of CloudWatch are read over all pages', async () => {
  const client = new CloudWatchClient({ region: 'any' })
  mockClient(client)
    .on(GetMetricDataCommand)
    .resolvesOnce({ MetricDataResults: [{ Id: 'accepted', Values: [5] }], NextToken: 'more' })
    .resolvesOnce({ MetricDataResults: [{ Id: 'accepted', Values: [7] }] })
    .resolves({ MetricDataResults: [{ Id: 'recent', Values: [3] }] })
  expect(await readMetrics(client, 'millrace-dev', NOW)).toEqual({ accepted: 12, recent: 3, unreadFrom: undefined })
})
