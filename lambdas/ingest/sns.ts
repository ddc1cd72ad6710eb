import type { SNSClientConfig } from '@aws-sdk/client-sns'
import type { Key } from '../../shared/keys.ts'

/** A request must not wait longer for a message to the operators. */
const TIMEOUT_MS = 2_000

/** Tells the operators that the quota of a key for the day is used up. */
export interface SpentNotice {
  /** Throws if the message could not be sent. */
  send(key: Pick<Key, 'id' | 'name'>, day: string): Promise<void>
}

/** Sends to the topic of the alarms. The client is loaded when it is needed: most environments never are. */
export const spentNotice = (topic: string, settings: SNSClientConfig = {}): SpentNotice => ({
  async send({ id, name }, day) {
    const { PublishCommand, SNSClient } = await import('@aws-sdk/client-sns')
    const message = {
      TopicArn: topic,
      Subject: 'Millrace: the daily quota of a key is spent',
      Message: `The key ${name} (${id}) has spent its quota of ${day}: its requests get 429 until midnight UTC. Runbook: docs/runbook.md#key-quota-spent`,
    }
    await new SNSClient(settings).send(new PublishCommand(message), { abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
  },
})
