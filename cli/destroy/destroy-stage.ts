import { stackName } from '../../shared/outputs.ts'
import { UserError } from '../../shared/user-error.ts'
import type { DestroyClients } from './clients.ts'
import { deleteStack, type FoundStack, findStacks } from './cloudformation.ts'
import { type Destroyed, deleteLeft } from './delete-left.ts'
import { type Loss, lossesOf } from './losses.ts'
import { type Destruction, planDestruction, resourcesOf } from './plan-destroy.ts'
import { emptyBucket } from './s3.ts'
import { stopWriters } from './stop-writers.ts'

export interface DestroyOptions {
  /** Shows what will be lost, and returns whether to go on. */
  readonly agree: (losses: readonly Loss[]) => Promise<boolean>
  /** Is told each step before it begins. */
  readonly progress: (step: string) => Promise<void> | void
  readonly pollMs: number
}

/** Events that arrive until the API is deleted can fill a bucket again. */
const ATTEMPTS = 3

/**
 * Deletes a stage with all its data, also what the deletion of its stack leaves. It can be repeated after an interruption. Throws a
 * UserError if the stage is protected, does not exist, or nobody agrees, or if CloudFormation cannot delete the stack.
 */
export async function destroyStage(stage: string, clients: DestroyClients, options: DestroyOptions): Promise<Destroyed> {
  const stacks = await findStacks(clients.cloudformation, stackName(stage))
  for (const { isProtected } of stacks) if (isProtected) throw new UserError(protection(stage))
  const plan = planDestruction(stacks.flatMap(({ resources }) => resources))
  const losses = await lossesOf(clients, plan)
  if (losses.length === 0 && !stacks.some(({ exists }) => exists))
    throw new UserError(`There is no stage ${stage} in this account and region, and nothing is left of it.`)
  if (!(await options.agree(losses))) throw new UserError('Nothing was deleted.')
  const live = stacks.filter(({ exists }) => exists)
  for (const stack of live) await deleteLive(stack, plan, clients, options)
  await options.progress('Deleting what is left')
  const { deleted, left } = await deleteLeft(clients, plan, options.pollMs)
  const isLeft = (resource: string): boolean => left.some(each => each.resource === resource)
  // The deletion of a stack has deleted what is not left of it.
  const ofLive = resourcesOf(planDestruction(live.flatMap(({ resources }) => resources)))
  const gone = new Set([...ofLive.filter(resource => !isLeft(resource)), ...deleted])
  return { deleted: [...live.map(() => `stack ${stackName(stage)}`), ...gone], left }
}

async function deleteLive(
  { id }: FoundStack,
  plan: Destruction,
  clients: DestroyClients,
  { progress, pollMs }: DestroyOptions,
): Promise<void> {
  await progress('Stopping the readers of the streams, the schedules and Firehose')
  await stopWriters(clients, plan, pollMs)
  for (let attempt = 1; ; attempt++) {
    await progress('Emptying the buckets')
    for (const bucket of plan.buckets) await emptyBucket(clients.s3, bucket)
    await progress('Deleting the stack; OpenSearch takes up to an hour')
    const reason = await deleteStack(clients.cloudformation, id, pollMs)
    if (reason === undefined) return
    if (attempt === ATTEMPTS) throw new UserError(`CloudFormation could not delete the stack: ${reason}. Run the command again.`)
    await progress(`CloudFormation could not delete the stack, trying again: ${reason}`)
  }
}

const protection = (stage: string): string =>
  `Stage ${stage} is protected from deletion. Take the protection off with \`aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name ${stackName(stage)}\`, then run this command again.`
