import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackResourcesCommand,
  UpdateTerminationProtectionCommand,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation'
import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { ListDeliveryStreamsCommand } from '@aws-sdk/client-firehose'
import { GetDatabasesCommand } from '@aws-sdk/client-glue'
import { ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { ListEventSourceMappingsCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { ListSchedulesCommand } from '@aws-sdk/client-scheduler'
import { type DestroyClients, destroyClients } from '../../cli/destroy/clients.ts'
import type { Destroyed } from '../../cli/destroy/delete-left.ts'
import { destroyStage } from '../../cli/destroy/destroy-stage.ts'
import type { Loss } from '../../cli/destroy/losses.ts'
import { cloudSettings } from '../../localstack/ministack.ts'
import { type EmulatedCloud, emulatedCloud } from '../fixtures/emulated-cloud.ts'
import { templateOf } from '../fixtures/infra-templates.ts'

let cloud: EmulatedCloud
let clients: DestroyClients

beforeAll(async () => {
  cloud = await emulatedCloud()
  clients = destroyClients(cloudSettings(cloud.access), true)
  await clients.s3.send(new CreateBucketCommand({ Bucket: TEMPLATES }))
}, 180_000)
afterAll(() => cloud.close())

/** Names of everything of a stage that bills, or that a second deployment would collide with. */
async function remains(stage: string): Promise<string[]> {
  const { dynamodb, s3, kinesis, firehose, glue, lambda, logs, scheduler } = clients
  const names = [
    ...((await dynamodb.send(new ListTablesCommand({}))).TableNames ?? []),
    ...((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).map(({ Name }) => Name),
    ...((await kinesis.send(new ListStreamsCommand({}))).StreamNames ?? []),
    ...((await firehose.send(new ListDeliveryStreamsCommand({}))).DeliveryStreamNames ?? []),
    ...((await glue.send(new GetDatabasesCommand({}))).DatabaseList ?? []).map(({ Name }) => Name),
    ...((await lambda.send(new ListFunctionsCommand({}))).Functions ?? []).map(({ FunctionName }) => FunctionName),
    ...((await lambda.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings ?? []).map(
      ({ FunctionArn }) => FunctionArn,
    ),
    ...((await scheduler.send(new ListSchedulesCommand({}))).Schedules ?? []).map(({ Name }) => Name),
    ...((await logs.send(new DescribeLogGroupsCommand({}))).logGroups ?? []).map(({ logGroupName }) => logGroupName),
  ]
  return names.flatMap(name => (name?.replaceAll('_', '-').includes(`millrace-${stage}`) ? [name] : []))
}

interface Run {
  readonly answer?: boolean
  /** Is called before each step. */
  readonly during?: (step: string) => Promise<void> | void
}

/** Runs the command. Returns what it shows before it asks, and what it has deleted. */
async function destroy(
  stage: string,
  { answer = true, during }: Run = {},
): Promise<Destroyed & { readonly losses: readonly Loss[] }> {
  const losses: Loss[] = []
  const agree = async (shown: readonly Loss[]) => {
    losses.push(...shown)
    return answer
  }
  const destroyed = await destroyStage(stage, clients, { agree, progress: async step => during?.(step), pollMs: 50 })
  return { ...destroyed, losses }
}

const TEMPLATES = 'templates'

/** The emulated cloud does not have them. */
const isUnknown = ({ Type }: { readonly Type: string }): boolean =>
  Type.startsWith('AWS::ApplicationAutoScaling::') || Type === 'AWS::CloudWatch::CompositeAlarm'

/** Deploys the template of a stage, without the scaling of tables and without composite alarms. */
async function deploy(stage: string): Promise<void> {
  const { s3, cloudformation } = clients
  const { Resources, Mappings } = templateOf(stage).toJSON() as { Resources: Record<string, { Type: string }>; Mappings: object }
  const known = Object.entries(Resources).filter(([, resource]) => !isUnknown(resource))
  const Body = JSON.stringify({ Resources: Object.fromEntries(known), Mappings })
  await s3.send(new PutObjectCommand({ Bucket: TEMPLATES, Key: stage, Body }))
  const StackName = `millrace-${stage}`
  const TemplateURL = `${cloud.access.endpoint}/${TEMPLATES}/${stage}`
  const EnableTerminationProtection = stage === 'prod'
  await cloudformation.send(new CreateStackCommand({ StackName, TemplateURL, EnableTerminationProtection }))
  await waitUntilStackCreateComplete({ client: cloudformation, maxWaitTime: 120, minDelay: 1, maxDelay: 1 }, { StackName })
}

/** The physical name of a resource of a stage. */
async function nameOf(stage: string, type: string, logicalId: string): Promise<string> {
  const { StackResources = [] } = await clients.cloudformation.send(
    new DescribeStackResourcesCommand({ StackName: `millrace-${stage}` }),
  )
  const found = StackResources.find(each => each.ResourceType === type && each.LogicalResourceId?.startsWith(logicalId))
  return found?.PhysicalResourceId ?? ''
}

const takeProtectionOff = () =>
  clients.cloudformation.send(
    new UpdateTerminationProtectionCommand({ StackName: 'millrace-prod', EnableTerminationProtection: false }),
  )

test('dev: shows what will be lost, and deletes nothing unless somebody agrees', async () => {
  await deploy('dev')
  const Bucket = await nameOf('dev', 'AWS::S3::Bucket', 'ArchiveBucket')
  for (const Key of ['events/1', 'events/2']) await clients.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  const before = await remains('dev')
  await expect(destroy('dev', { answer: false })).rejects.toThrow('Nothing was deleted.')
  expect(await remains('dev')).toEqual(before)
  const { losses, deleted, left } = await destroy('dev')
  expect(losses).toContainEqual({ store: `bucket ${Bucket}`, contents: '2 objects' })
  expect(losses).toContainEqual({
    store: expect.stringContaining('eventstream'),
    contents: 'the events of the last 24 hours',
  })
  expect(losses).toContainEqual({ store: '14 log groups', contents: 'all log lines' })
  expect(deleted).toEqual(expect.arrayContaining(['stack millrace-dev', `bucket ${Bucket}`, 'database millrace_dev']))
  expect(left).toEqual([])
  expect(await remains('dev')).toEqual([])
}, 120_000)

test('an object that arrives while the stack is deleted does not stop the deletion', async () => {
  await deploy('dev-late')
  const Bucket = await nameOf('dev-late', 'AWS::S3::Bucket', 'QuarantineBucket')
  const steps: string[] = []
  const during = async (step: string) => {
    steps.push(step)
    const isFirst = steps.filter(each => each.startsWith('Deleting the stack')).length === 1
    if (step.startsWith('Deleting the stack') && isFirst)
      await clients.s3.send(new PutObjectCommand({ Bucket, Key: 'late', Body: 'x' }))
  }
  await destroy('dev-late', { during })
  expect(steps).toContainEqual(expect.stringMatching(/^CloudFormation could not delete the stack, trying again/))
  expect(await remains('dev-late')).toEqual([])
}, 120_000)

test('prod: refused while it is protected; then nothing of it is left, although its tables are protected, too', async () => {
  await deploy('prod')
  const before = await remains('prod')
  const command = 'aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name millrace-prod'
  await expect(destroy('prod')).rejects.toThrow(command)
  expect(await remains('prod')).toEqual(before)
  await takeProtectionOff()
  await destroy('prod')
  expect(await remains('prod')).toEqual([])
}, 120_000)

test('what a stack that somebody else deleted has left is shown and deleted', async () => {
  await deploy('prod')
  await takeProtectionOff()
  await clients.cloudformation.send(new DeleteStackCommand({ StackName: 'millrace-prod' }))
  const client = clients.cloudformation
  await waitUntilStackDeleteComplete({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { StackName: 'millrace-prod' })
  expect(await remains('prod')).toContainEqual(expect.stringContaining('StateTable'))
  const { losses, deleted } = await destroy('prod')
  expect(losses.map(({ store }) => store)).toContainEqual(expect.stringContaining('StateTable'))
  expect(deleted).toContainEqual(expect.stringMatching(/^table .*StateTable/))
  expect(deleted).not.toContain('stack millrace-prod')
  expect(await remains('prod')).toEqual([])
}, 120_000)

test('an interrupted deletion can be repeated', async () => {
  await deploy('prod')
  await takeProtectionOff()
  const during = (step: string) => {
    if (step === 'Deleting what is left') throw new Error('interrupted')
  }
  await expect(destroy('prod', { during })).rejects.toThrow('interrupted')
  expect(await remains('prod')).not.toEqual([])
  await destroy('prod')
  expect(await remains('prod')).toEqual([])
}, 120_000)

test('a stage that does not exist is not asked about', async () => {
  await expect(destroy('dev-nobody')).rejects.toThrow(
    'There is no stage dev-nobody in this account and region, and nothing is left of it.',
  )
})
