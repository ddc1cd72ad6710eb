import { ListShardsCommand, type Shard, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { kinesisOf } from '../../cli/clients.ts'
import type { Target } from '../../cli/target.ts'

/** The shards that take records. */
export async function openShards(target: Target): Promise<Shard[]> {
  const { Shards = [] } = await kinesisOf(target).send(new ListShardsCommand({ StreamName: target.outputs.StreamName }))
  return Shards.filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined)
}

const rangeOf = ({ HashKeyRange }: Shard): [first: bigint, last: bigint] => [
  BigInt(HashKeyRange?.StartingHashKey ?? 0),
  BigInt(HashKeyRange?.EndingHashKey ?? 0),
]
const widthOf = (shard: Shard): bigint => rangeOf(shard)[1] - rangeOf(shard)[0]

/** Splits the shard that most keys fall into, in the middle. */
export async function splitWidest(target: Target): Promise<{ parent: string; children: string[] }> {
  const [widest] = (await openShards(target)).toSorted((a, b) => (widthOf(b) > widthOf(a) ? 1 : -1))
  if (!widest) throw new Error('The stream has no open shard.')
  const [first, last] = rangeOf(widest)
  const parent = widest.ShardId ?? ''
  const middle = String((first + last) / 2n + 1n)
  await kinesisOf(target).send(
    new SplitShardCommand({ StreamName: target.outputs.StreamName, ShardToSplit: parent, NewStartingHashKey: middle }),
  )
  const children = (await openShards(target)).filter(({ ParentShardId }) => ParentShardId === parent)
  return { parent, children: children.map(({ ShardId = '' }) => ShardId) }
}
