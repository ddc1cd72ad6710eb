import { DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** Asks the stream whether it is there; throws when it does not answer. */
export function streamProbe(
  stream: string,
  client = new KinesisClient({ requestHandler: new NodeHttpHandler() }),
): () => Promise<unknown> {
  return () => client.send(new DescribeStreamSummaryCommand({ StreamName: stream }))
}
