import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { mockClient } from 'aws-sdk-client-mock'
import { deployedShards, shardProblem } from '../../infra/deployed-shards.ts'

function anAccount() {
  const cloudformation = new CloudFormationClient({ region: 'any' })
  const kinesis = new KinesisClient({ region: 'any' })
  const Outputs = [{ OutputKey: 'StreamName', OutputValue: 'events' }]
  const StackId = 'arn:aws:cloudformation:eu-west-1:123456789012:stack/millrace-prod/1'
  const stacks = mockClient(cloudformation)
  stacks.on(DescribeStacksCommand, { StackName: 'millrace-prod' }).resolves({
    Stacks: [{ StackName: 'millrace-prod', CreationTime: new Date(0), StackStatus: 'CREATE_COMPLETE', StackId, Outputs }],
  })
  const StreamDescriptionSummary = { OpenShardCount: 4 } as object
  mockClient(kinesis)
    .on(DescribeStreamSummaryCommand, { StreamName: 'events' })
    .resolves({ StreamDescriptionSummary: StreamDescriptionSummary as never })
  return {
    stacks,
    shards: (account?: string, region = 'eu-west-1') =>
      deployedShards('prod', { account, region }, () => ({ cloudformation, kinesis })),
  }
}

test('the number of shards is that of the deployed stage', async () => {
  expect(await anAccount().shards('123456789012')).toBe(4)
})

test('it is not known without credentials, in another account, before the first deployment, and when AWS does not respond', async () => {
  expect(await anAccount().shards(undefined)).toBeUndefined()
  expect(await anAccount().shards('210987654321')).toBeUndefined()
  const { stacks, shards } = anAccount()
  stacks.on(DescribeStacksCommand).rejects(new Error('Stack with id millrace-prod does not exist'))
  expect(await shards('123456789012')).toBeUndefined()
})

test.each([
  [4, 8],
  [4, 2],
  [5, 3],
  [4, 'on-demand'],
  [undefined, 100],
] as const)('from %s shards to %s is one deployment', (deployed, wanted) => {
  expect(shardProblem('prod', deployed, wanted)).toBeUndefined()
})

test.each([
  [4, 9, 'set stream.shards in infra/settings.ts to 8, deploy, and repeat until it is 9'],
  [5, 2, 'set stream.shards in infra/settings.ts to 3, deploy, and repeat until it is 2'],
] as const)('from %s shards to %s is refused, and the next step named', (deployed, wanted, step) => {
  const problem = shardProblem('prod', deployed, wanted)
  expect(problem).toMatch(/^The event stream of stage prod has [45] shards\. /)
  expect(problem).toContain(step)
})
