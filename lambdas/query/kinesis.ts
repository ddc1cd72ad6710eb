import { KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/**
 * Returns a probe that lists one shard of the stream: AWS allows 1,000 such calls a second, but only 20 that describe a stream, for the
 * whole account. The probe throws when Kinesis does not respond or the stream does not exist.
 */
export function streamProbe(
  stream: string,
  client = new KinesisClient({ requestHandler: new NodeHttpHandler() }),
): () => Promise<unknown> {
  return () => client.send(new ListShardsCommand({ StreamName: stream, MaxResults: 1 }))
}
