import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch'
import { ListSubscriptionsByTopicCommand, SNSClient, type Subscription } from '@aws-sdk/client-sns'
import { mockClient } from 'aws-sdk-client-mock'
import { testAlarm } from '../../cli/alarms/test-alarm.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alarms'
const SENT = `Successfully executed action ${TOPIC}`
const mail: Subscription = { SubscriptionArn: `${TOPIC}:1`, Protocol: 'email', Endpoint: 'who@example.com' }
const alarm = (name: string, StateValue: 'OK' | 'ALARM', more = {}) => ({
  AlarmName: `millrace-dev ${name}`,
  StateValue,
  ActionsEnabled: true,
  AlarmActions: [TOPIC],
  ...more,
})

function aStage({ alarms = [alarm('api-5xx', 'OK')], subscriptions = [mail], history = [SENT] as readonly string[] } = {}) {
  const cloudwatch = new CloudWatchClient({ region: 'any' })
  const sns = new SNSClient({ region: 'any' })
  const watched = mockClient(cloudwatch)
  watched.on(DescribeAlarmsCommand, { AlarmNamePrefix: 'millrace-dev ' }).resolves({ MetricAlarms: alarms })
  watched.on(SetAlarmStateCommand).resolves({})
  watched
    .on(DescribeAlarmHistoryCommand, { HistoryItemType: 'Action' })
    .resolves({ AlarmHistoryItems: history.map(HistorySummary => ({ HistorySummary })) })
  mockClient(sns).on(ListSubscriptionsByTopicCommand, { TopicArn: TOPIC }).resolves({ Subscriptions: subscriptions })
  const states = () =>
    watched.commandCalls(SetAlarmStateCommand).map(({ args: [{ input }] }) => `${input.AlarmName}: ${input.StateValue}`)
  return { run: () => testAlarm({ cloudwatch, sns }, 'dev', 50), states }
}

test('one alarm fires for a moment, and the result names who gets its message', async () => {
  const { run, states } = aStage()
  expect(await run()).toEqual({ alarm: 'millrace-dev api-5xx', subscribers: ['email who@example.com'] })
  expect(states()).toEqual(['millrace-dev api-5xx: ALARM', 'millrace-dev api-5xx: OK'])
})

test('an alarm that fires, or without actions, is left alone: only a change of its state sends a message', async () => {
  const alarms = [alarm('api-5xx', 'ALARM'), alarm('state-errors', 'OK', { AlarmActions: [] }), alarm('windows-errors', 'OK')]
  expect(await aStage({ alarms }).run()).toMatchObject({ alarm: 'millrace-dev windows-errors' })
  const { run, states } = aStage({ alarms: alarms.slice(0, 2) })
  await expect(run()).rejects.toThrow('Stage dev has no alarm that could be tested.')
  expect(states()).toEqual([])
})

test.each([
  ['no subscription', [], /^Nobody gets the alarms of stage dev\. Set alarms\.email/],
  ['one that was ended by its link', [{ ...mail, SubscriptionArn: 'Deleted' }], /^Nobody gets the alarms of stage dev\. Set/],
  [
    'one that is not confirmed',
    [{ ...mail, SubscriptionArn: 'PendingConfirmation' }],
    /^No subscription is confirmed: email who@/,
  ],
])('with %s nothing fires, and the error says what to do', async (_, subscriptions, message) => {
  const { run, states } = aStage({ subscriptions })
  await expect(run()).rejects.toThrow(message)
  expect(states()).toEqual([])
})

test.each([
  [
    'may not publish',
    ['Failed to execute action: not authorized to perform SNS:Publish'],
    /not authorized .* Deploy the stage again\.$/,
  ],
  ['notes nothing in time', [], /^CloudWatch has not sent the message of millrace-dev api-5xx/],
])('when CloudWatch %s, the command fails and the alarm gets its state back', async (_, history, message) => {
  const { run, states } = aStage({ history })
  await expect(run()).rejects.toThrow(message)
  expect(states().at(-1)).toBe('millrace-dev api-5xx: OK')
})
