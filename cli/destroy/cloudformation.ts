import { setTimeout as delay } from 'node:timers/promises'
import {
  type CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  paginateDescribeStackEvents,
  paginateListStackResources,
  paginateListStacks,
} from '@aws-sdk/client-cloudformation'
import { UserError } from '../../shared/user-error.ts'
import type { StackResource } from './plan-destroy.ts'

/** A stack that exists, or of which something may be left. */
export interface FoundStack {
  readonly id: string
  readonly exists: boolean
  readonly isProtected: boolean
  readonly resources: readonly StackResource[]
}

/**
 * The stack with this name, and all deleted stacks that had it. CloudFormation remembers these, and what the updates of a stack have
 * left, for 90 days.
 */
export async function findStacks(client: CloudFormationClient, name: string): Promise<FoundStack[]> {
  return [...(await findLive(client, name)), ...(await findDeleted(client, name))]
}

/** The stack with this name and, as another one that does not exist, what its updates have left. */
async function findLive(client: CloudFormationClient, name: string): Promise<FoundStack[]> {
  const stack = await describe(client, name)
  if (!stack?.StackId || stack.StackStatus === 'DELETE_COMPLETE') return []
  const { StackId: id, EnableTerminationProtection: isProtected = false } = stack
  return [
    { id, exists: true, isProtected, resources: await resourcesOf(client, id) },
    { id, exists: false, isProtected, resources: await keptResourcesOf(client, id) },
  ]
}

async function findDeleted(client: CloudFormationClient, name: string): Promise<FoundStack[]> {
  const deleted: FoundStack[] = []
  for await (const { StackSummaries = [] } of paginateListStacks({ client }, { StackStatusFilter: ['DELETE_COMPLETE'] }))
    for (const { StackName, StackId = '' } of StackSummaries)
      if (StackName === name)
        deleted.push({ id: StackId, exists: false, isProtected: false, resources: await keptResourcesOf(client, StackId) })
  return deleted
}

async function resourcesOf(client: CloudFormationClient, StackName: string): Promise<StackResource[]> {
  const found: StackResource[] = []
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName }))
    for (const { ResourceType, LogicalResourceId, PhysicalResourceId } of StackResourceSummaries)
      found.push(...resourceOf(ResourceType, LogicalResourceId, PhysicalResourceId))
  return found
}

/** The resources that the deletion or an update of a stack left. */
async function keptResourcesOf(client: CloudFormationClient, StackName: string): Promise<StackResource[]> {
  const found: StackResource[] = []
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client }, { StackName }))
    for (const { ResourceType, LogicalResourceId, PhysicalResourceId, ResourceStatus } of StackEvents)
      if (ResourceStatus === 'DELETE_SKIPPED') found.push(...resourceOf(ResourceType, LogicalResourceId, PhysicalResourceId))
  return found
}

/** Nothing for a resource that was never created. */
const resourceOf = (type?: string, logicalId?: string, id?: string): StackResource[] =>
  type && logicalId && id ? [{ type, logicalId, id }] : []

async function describe(client: CloudFormationClient, StackName: string) {
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }))
    return Stacks?.[0]
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'ValidationError' && message.includes('does not exist')) return undefined
    throw error
  }
}

/** OpenSearch alone takes up to an hour. */
const STACK_MS = 2 * 60 * 60_000

/** Deletes a stack and waits. Returns why CloudFormation could not delete it; undefined if it is deleted. */
export async function deleteStack(client: CloudFormationClient, id: string, pollMs: number): Promise<string | undefined> {
  await client.send(new DeleteStackCommand({ StackName: id }))
  for (const end = Date.now() + STACK_MS; Date.now() < end; await delay(pollMs)) {
    const stack = await describe(client, id)
    if (!stack || stack.StackStatus === 'DELETE_COMPLETE') return undefined
    if (stack.StackStatus === 'DELETE_FAILED') return stack.StackStatusReason ?? 'CloudFormation gives no reason'
  }
  throw new UserError('CloudFormation has not deleted the stack within two hours. Run the command again.')
}
