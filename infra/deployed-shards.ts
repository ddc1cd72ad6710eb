import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { stackName } from '../shared/outputs.ts'

/** The account and the region that the CDK deploys to. It does not set them without credentials. */
export interface DeployedTo {
  readonly account: string | undefined
  readonly region: string | undefined
}

interface Clients {
  readonly cloudformation: CloudFormationClient
  readonly kinesis: KinesisClient
}

const TIMEOUT_MS = 5_000

/** The number of open shards of a deployed stage; undefined if it is not known. It never makes a synthesis fail. */
export async function deployedShards(
  stage: string,
  { account, region }: DeployedTo,
  clients: (region: string) => Clients = clientsIn,
): Promise<number | undefined> {
  if (!account || !region) return undefined
  const { cloudformation, kinesis } = clients(region)
  const abortSignal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const { Stacks: [stack] = [] } = await cloudformation.send(new DescribeStacksCommand({ StackName: stackName(stage) }), {
      abortSignal,
    })
    // With `cdk --profile`, the credentials found here can be those of another account.
    const StreamName = stack?.Outputs?.find(({ OutputKey }) => OutputKey === 'StreamName')?.OutputValue
    if (!StreamName || !stack?.StackId?.includes(`:${account}:`)) return undefined
    const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }), { abortSignal })
    return StreamDescriptionSummary?.OpenShardCount
  } catch {
    return undefined
  }
}

const clientsIn = (region: string): Clients => ({
  cloudformation: new CloudFormationClient({ region, maxAttempts: 1 }),
  kinesis: new KinesisClient({ region, maxAttempts: 1 }),
})

/** Why Kinesis refuses to change the number of shards in one deployment, as a sentence that says what to do; undefined if it does not. */
export function shardProblem(stage: string, deployed: number | undefined, wanted: number | 'on-demand'): string | undefined {
  if (deployed === undefined || wanted === 'on-demand') return undefined
  const [least, most] = [Math.ceil(deployed / 2), deployed * 2]
  if (wanted >= least && wanted <= most) return undefined
  const next = wanted > most ? most : least
  return `The event stream of stage ${stage} has ${deployed} shards. Kinesis at most doubles or halves them in one deployment: set stream.shards in infra/settings.ts to ${next}, deploy, and repeat until it is ${wanted}.`
}
