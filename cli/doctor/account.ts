import { CloudFormationClient, DescribeStacksCommand, paginateListStackResources } from '@aws-sdk/client-cloudformation'
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam'
import { DescribeLimitsCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { GetAccountSettingsCommand, GetFunctionConcurrencyCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { OpenSearchClient, paginateListInstanceTypeDetails } from '@aws-sdk/client-opensearch'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { stackName } from '../../shared/outputs.ts'
import type { Needs } from './needs.ts'
import type { AccountFacts, Fact } from './plan-findings.ts'

const BOOTSTRAP_STACK = 'CDKToolkit'

export const doctorClients = (region: string) => ({
  sts: new STSClient({ region }),
  cloudformation: new CloudFormationClient({ region }),
  lambda: new LambdaClient({ region }),
  kinesis: new KinesisClient({ region, requestHandler: new NodeHttpHandler() }),
  opensearch: new OpenSearchClient({ region }),
  iam: new IAMClient({ region }),
})

type Clients = ReturnType<typeof doctorClients>

/** Reads what a stage needs to know of an account. Throws only what the credentials themselves cause. */
export async function readAccount(clients: Clients, region: string, needs: Needs): Promise<AccountFacts> {
  const { Account = '', Arn = '' } = await clients.sts.send(new GetCallerIdentityCommand({}))
  const stack = stackName(needs.stage)
  const [bootstrap, concurrency, streams, instanceTypes, missingRoles] = await Promise.all([
    known('cloudformation:DescribeStacks', () => bootstrapVersion(clients)),
    known('lambda:GetAccountSettings, cloudformation:ListStackResources and lambda:GetFunctionConcurrency', () =>
      concurrencyOf(clients, stack),
    ),
    known('kinesis:DescribeLimits and kinesis:DescribeStreamSummary', () => streamsOf(clients, stack)),
    known('es:ListInstanceTypeDetails', () => instanceTypesOf(clients, needs)),
    known('iam:GetRole', () => missingRolesOf(clients, needs)),
  ])
  return { account: Account, arn: Arn, region, bootstrap, concurrency, streams, instanceTypes, missingRoles }
}

/** What a read returns, or that it failed, with the rights that it needs. */
async function known<Value>(rights: string, read: () => Promise<Value>): Promise<Fact<Value>> {
  try {
    return { value: await read() }
  } catch (error) {
    const { name, message } = error as Error
    return { problem: `Not checked, because AWS returned ${name}: ${message} The check needs ${rights}.` }
  }
}

/** The value of a stack's output; undefined if there is no such stack or output. */
async function outputOf({ cloudformation }: Clients, StackName: string, output: string): Promise<string | undefined> {
  const stacks = await unlessNoStack(cloudformation.send(new DescribeStacksCommand({ StackName })))
  return stacks?.Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === output)?.OutputValue
}

/** CloudFormation has no error of its own for a stack that does not exist. */
async function unlessNoStack<Value>(call: Promise<Value>): Promise<Value | undefined> {
  try {
    return await call
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'ValidationError' && message.includes('does not exist')) return undefined
    throw error
  }
}

async function bootstrapVersion(clients: Clients): Promise<number | undefined> {
  const version = await outputOf(clients, BOOTSTRAP_STACK, 'BootstrapVersion')
  return version === undefined ? undefined : Number(version)
}

async function concurrencyOf(clients: Clients, stack: string) {
  const { AccountLimit } = await clients.lambda.send(new GetAccountSettingsCommand({}))
  const limit = AccountLimit?.ConcurrentExecutions ?? 0
  return {
    limit,
    unreserved: AccountLimit?.UnreservedConcurrentExecutions ?? limit,
    own: (await unlessNoStack(reservedOf(clients, stack))) ?? 0,
  }
}

/** Executions that the functions of a deployed stack have reserved. */
async function reservedOf({ cloudformation, lambda }: Clients, StackName: string): Promise<number> {
  let reserved = 0
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client: cloudformation }, { StackName }))
    for (const { ResourceType, PhysicalResourceId } of StackResourceSummaries)
      if (ResourceType === 'AWS::Lambda::Function' && PhysicalResourceId) {
        const found = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: PhysicalResourceId }))
        reserved += found.ReservedConcurrentExecutions ?? 0
      }
  return reserved
}

async function streamsOf(clients: Clients, stack: string) {
  const { kinesis } = clients
  const limits = await kinesis.send(new DescribeLimitsCommand({}))
  const StreamName = await outputOf(clients, stack, 'StreamName')
  const own = StreamName === undefined ? undefined : await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))
  return {
    shardLimit: limits.ShardLimit ?? 0,
    openShards: limits.OpenShardCount ?? 0,
    onDemandLimit: limits.OnDemandStreamCountLimit ?? 0,
    onDemand: limits.OnDemandStreamCount ?? 0,
    own: own?.StreamDescriptionSummary?.OpenShardCount,
  }
}

async function instanceTypesOf({ opensearch }: Clients, { search }: Needs): Promise<string[]> {
  const types: string[] = []
  if (!search) return types
  const input = { EngineVersion: search.engineVersion }
  for await (const { InstanceTypeDetails = [] } of paginateListInstanceTypeDetails({ client: opensearch }, input))
    types.push(...InstanceTypeDetails.flatMap(({ InstanceType }) => InstanceType ?? []))
  return types
}

async function missingRolesOf({ iam }: Clients, { roles }: Needs): Promise<string[]> {
  const missing: string[] = []
  for (const { name } of roles)
    try {
      await iam.send(new GetRoleCommand({ RoleName: name }))
    } catch (error) {
      if ((error as Error).name !== 'NoSuchEntityException') throw error
      missing.push(name)
    }
  return missing
}
