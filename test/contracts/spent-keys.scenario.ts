import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { ConfirmSubscriptionCommand, CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { spentNotice } from '../../lambdas/ingest/sns.ts'
import { spentKeys } from '../../lambdas/ingest/spent-keys.ts'
import { spentMarks } from '../../lambdas/keys/dynamodb-use.ts'
import { cloudSettings } from '../../localstack/ministack.ts'
import { type EmulatedCloud, emulatedCloud, eventually } from '../fixtures/emulated-cloud.ts'
import { aClientKey } from '../fixtures/keys.ts'

/** What a subscriber of a topic receives. */
interface Delivery {
  readonly Type: string
  readonly Token?: string
  readonly Message: string
}

const received: Delivery[] = []
const subscriber = createServer(async (request, response) => {
  received.push(JSON.parse(await text(request)))
  response.end()
})
let cloud: EmulatedCloud

beforeAll(async () => {
  cloud = await emulatedCloud()
  await new Promise<void>(resolve => subscriber.listen(0, '127.0.0.1', resolve))
}, 180_000)
afterAll(async () => {
  subscriber.closeAllConnections()
  subscriber.close()
  await cloud.close()
})

test('the operators get one message a day that names the key, whatever the number of environments', async () => {
  const settings = cloudSettings(cloud.access)
  const topic = await subscribedTopic(new SNSClient(settings))
  const marks = spentMarks('use', await useTable(new DynamoDBClient(settings)))
  const clock = { now: Date.UTC(2026, 0, 31, 12) }
  const environments = Array.from({ length: 5 }, () =>
    spentKeys({ marks, notice: spentNotice(topic, settings), now: () => clock.now }),
  )
  const spend = () => Promise.all(environments.map(tell => tell(aClientKey({ id: 'k_1', name: 'shop' }), { annotate: () => {} })))
  await spend()
  clock.now += 86_400_000
  await spend()
  const messages = () => received.filter(({ Type }) => Type === 'Notification').map(({ Message }) => Message)
  await eventually('both messages arrive', async () => messages().length >= 2)
  expect(messages()).toEqual(
    ['2026-01-31', '2026-02-01'].map(day =>
      expect.stringMatching(new RegExp(`^The key shop \\(k_1\\) has spent its quota of ${day}: `)),
    ),
  )
})

async function subscribedTopic(sns: SNSClient): Promise<string> {
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'alarms' }))
  const { port } = subscriber.address() as AddressInfo
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `http://127.0.0.1:${port}/` }))
  const token = await eventually('the subscription is offered', async () => received.find(({ Token }) => Token)?.Token)
  await sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token: token }))
  return TopicArn
}

async function useTable(client: DynamoDBClient): Promise<DynamoDBClient> {
  await client.send(
    new CreateTableCommand({
      TableName: 'use',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName: 'use' })
  return client
}
