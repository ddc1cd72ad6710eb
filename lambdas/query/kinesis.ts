import { DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** Returns a probe that describes the stream. The probe throws when Kinesis does not respond or the stream does not exist. */
export function streamProbe(
  stream: string,
  client = new KinesisClient({ requestHandler: new NodeHttpHandler() }),
): () => Promise<unknown> {
  return () => client.send(new DescribeStreamSummaryCommand({ StreamName: stream }))
}
