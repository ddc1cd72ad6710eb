import { setTimeout as delay } from 'node:timers/promises'
import {
  type CloudWatchClient,
  DescribeAlarmHistoryCommand,
  paginateDescribeAlarms,
  SetAlarmStateCommand,
  type StateValue,
} from '@aws-sdk/client-cloudwatch'
import { paginateListSubscriptionsByTopic, type SNSClient } from '@aws-sdk/client-sns'
import { stackName } from '../../shared/outputs.ts'
import { UserError } from '../../shared/user-error.ts'

const WAIT_MS = 60_000
const POLL_MS = 2_000
const PENDING = 'PendingConfirmation'

interface Clients {
  readonly cloudwatch: CloudWatchClient
  readonly sns: SNSClient
}

/** An alarm that can be tested. */
interface Quiet {
  readonly name: string
  readonly state: StateValue
  readonly topic: string
}

/**
 * Sets an alarm of the stage to ALARM and back, and waits until CloudWatch has sent the message. Returns the alarm and who gets its
 * messages. Throws a UserError if nobody does, or if CloudWatch could not send it.
 */
export async function testAlarm(
  { cloudwatch, sns }: Clients,
  stage: string,
  waitMs = WAIT_MS,
): Promise<{ readonly alarm: string; readonly subscribers: readonly string[] }> {
  const alarm = await quietAlarm(cloudwatch, stage)
  const subscribers = await confirmedSubscribers(sns, alarm.topic, stage)
  const set = (state: StateValue, StateReason: string) =>
    cloudwatch.send(new SetAlarmStateCommand({ AlarmName: alarm.name, StateValue: state, StateReason }))
  const since = new Date()
  await set('ALARM', 'Test by `millrace alarms test`: nothing is wrong.')
  const result = await actionOf(cloudwatch, { alarm, since, waitMs }).finally(() =>
    set(alarm.state, 'The test by `millrace alarms test` is over.'),
  )
  if (result === undefined)
    throw new UserError(
      `CloudWatch has not sent the message of ${alarm.name} within ${waitMs / 1000} s. Look at the history of the alarm.`,
    )
  if (!result.startsWith('Successfully')) throw new UserError(`${alarm.name}: ${result}. Deploy the stage again.`)
  return { alarm: alarm.name, subscribers }
}

/** An alarm of the stage that does not fire: only a change of its state sends a message. */
async function quietAlarm(client: CloudWatchClient, stage: string): Promise<Quiet> {
  const prefix = { AlarmNamePrefix: `${stackName(stage)} ` }
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, prefix))
    for (const { AlarmName, StateValue, ActionsEnabled, AlarmActions: [topic] = [] } of MetricAlarms) {
      if (AlarmName && topic && ActionsEnabled !== false && StateValue && StateValue !== 'ALARM')
        return { name: AlarmName, state: StateValue, topic }
    }
  throw new UserError(
    `Stage ${stage} has no alarm that could be tested. Deploy it first, and check the region; an alarm that fires is not tested.`,
  )
}

/** The confirmed subscriptions of a topic, as protocol and address. SNS lists one that was deleted for some days, without an ARN. */
async function confirmedSubscribers(client: SNSClient, TopicArn: string, stage: string): Promise<string[]> {
  const confirmed: string[] = []
  const pending: string[] = []
  for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client }, { TopicArn }))
    for (const { SubscriptionArn = '', Protocol, Endpoint } of Subscriptions)
      if (SubscriptionArn.startsWith('arn:')) confirmed.push(`${Protocol} ${Endpoint}`)
      else if (SubscriptionArn === PENDING) pending.push(`${Protocol} ${Endpoint}`)
  if (confirmed.length > 0) return confirmed
  if (pending.length > 0)
    throw new UserError(
      `No subscription is confirmed: ${pending.join(', ')}. Open the link in the mail that AWS sent, then test again.`,
    )
  throw new UserError(
    `Nobody gets the alarms of stage ${stage}. Set alarms.email in infra/settings.ts and deploy, or subscribe to ${TopicArn}.`,
  )
}

/** What CloudWatch notes about the action of an alarm: that it succeeded, or why not. Undefined if it notes nothing in time. */
async function actionOf(
  client: CloudWatchClient,
  { alarm, since, waitMs }: { readonly alarm: Quiet; readonly since: Date; readonly waitMs: number },
): Promise<string | undefined> {
  const query = { AlarmName: alarm.name, HistoryItemType: 'Action', StartDate: since } as const
  for (const end = Date.now() + waitMs; ; await delay(Math.min(POLL_MS, waitMs / 10))) {
    const { AlarmHistoryItems: [item] = [] } = await client.send(new DescribeAlarmHistoryCommand(query))
    if (item?.HistorySummary) return item.HistorySummary
    if (Date.now() >= end) return undefined
  }
}
