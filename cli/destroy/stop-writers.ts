import { DeleteDeliveryStreamCommand, DescribeDeliveryStreamCommand } from '@aws-sdk/client-firehose'
import { DeleteEventSourceMappingCommand, GetEventSourceMappingCommand } from '@aws-sdk/client-lambda'
import { DeleteScheduleCommand } from '@aws-sdk/client-scheduler'
import type { DestroyClients } from './clients.ts'
import { unlessMissing, untilMissing } from './missing.ts'
import type { Destruction } from './plan-destroy.ts'

/** Deletes what would go on writing to the stores: mappings, schedules, and Firehose, which delivers what it holds before it is gone. */
export async function stopWriters(
  { lambda, scheduler, firehose }: DestroyClients,
  { mappings, schedules, deliveryStreams }: Destruction,
  pollMs: number,
): Promise<void> {
  for (const Name of schedules) await unlessMissing(scheduler.send(new DeleteScheduleCommand({ Name })))
  for (const UUID of mappings) await unlessMissing(lambda.send(new DeleteEventSourceMappingCommand({ UUID })))
  for (const UUID of mappings)
    await untilMissing(`the mapping ${UUID}`, () => lambda.send(new GetEventSourceMappingCommand({ UUID })), pollMs)
  for (const DeliveryStreamName of deliveryStreams) {
    await unlessMissing(firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName })))
    const read = () => firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName }))
    await untilMissing(`the delivery stream ${DeliveryStreamName}`, read, pollMs)
  }
}
