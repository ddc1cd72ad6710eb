import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs'
import { type AttributeValue, paginateScan } from '@aws-sdk/client-dynamodb'
import { stackName } from '../../shared/outputs.ts'
import { dynamodbOf, kinesisOf, logsOf } from '../clients.ts'
import { readRecords } from '../status/stream.ts'
import type { Target } from '../target.ts'
import { readStackResources } from './cloudwatch.ts'
import type { TemplateResource } from './idle.ts'
import type { Invocation, LocalFacts } from './local-usage.ts'
import type { StackResource } from './plan-metrics.ts'

export const LOCAL_STAGE = 'local'

/** Reads the logs and stores of the local cloud. */
export async function readLocalFacts(target: Target, template: Readonly<Record<string, TemplateResource>>): Promise<LocalFacts> {
  const resources = await readStackResources(new CloudFormationClient(target.aws), stackName(LOCAL_STAGE))
  const pages = resources.find(({ logicalId, type }) => type === 'AWS::DynamoDB::Table' && logicalId.startsWith('StatePages'))
  const records = await readRecords(kinesisOf(target), target.outputs.StreamName)
  return {
    invocations: await readInvocations(target),
    recordBytes: records.map(({ Data }) => Data?.length ?? 0),
    stateItems: await scan(target, target.outputs.StateTable),
    pages: pages ? await scan(target, pages.physicalId) : [],
    memory: memoryOf(resources, target, template),
  }
}

async function readInvocations(target: Target): Promise<Invocation[]> {
  const groups = target.outputs.LogGroups.split(',').map(pair => pair.split('=') as [string, string])
  const client = logsOf(target)
  const read = groups.map(async ([service, logGroupName]) => {
    const found: Invocation[] = []
    for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName }))
      found.push(...events.flatMap(({ message = '' }) => invocationOf(service, message.trim())))
    return found
  })
  return (await Promise.all(read)).flat()
}

function invocationOf(service: string, line: string): Invocation[] {
  if (!line.startsWith('{')) return []
  const { milliseconds, records = 0, EventsAccepted = 0 } = JSON.parse(line) as Readonly<Record<string, number | undefined>>
  return milliseconds === undefined ? [] : [{ service, line, milliseconds, records, accepted: EventsAccepted }]
}

async function scan(target: Target, table: string): Promise<Readonly<Record<string, AttributeValue>>[]> {
  const found: Readonly<Record<string, AttributeValue>>[] = []
  for await (const { Items = [] } of paginateScan({ client: dynamodbOf(target) }, { TableName: table })) found.push(...Items)
  return found
}

/** The memory of each function, by the log group that both the stack and the outputs name. */
function memoryOf(
  resources: readonly StackResource[],
  { outputs }: Target,
  template: Readonly<Record<string, TemplateResource>>,
): Readonly<Record<string, number>> {
  const groups = new Map(resources.map(({ physicalId, logicalId }) => [physicalId, logicalId]))
  const functions = Object.values(template).filter(({ Type }) => Type === 'AWS::Lambda::Function')
  const pairs = outputs.LogGroups.split(',').map(pair => pair.split('=') as [string, string])
  return Object.fromEntries(
    pairs.map(([service, group]) => {
      const own = functions.find(({ Properties }) => Properties?.LoggingConfig?.LogGroup?.Ref === groups.get(group))
      return [service, Number(own?.Properties?.MemorySize ?? 0)]
    }),
  )
}
