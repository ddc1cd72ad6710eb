import {
  type EventSourceMappingConfiguration,
  GetFunctionConfigurationCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { lambdaOf } from '../../cli/clients.ts'
import type { Target } from '../../cli/target.ts'

type Limits = Pick<EventSourceMappingConfiguration, 'MaximumRetryAttempts' | 'MaximumRecordAgeInSeconds'>

/** Acts while the mapping of a reader gives up batches within these limits. */
export async function whileGivingUp(target: Target, reader: string, limits: Limits, act: () => Promise<void>): Promise<void> {
  const lambda = lambdaOf(target)
  const { UUID, MaximumRetryAttempts, MaximumRecordAgeInSeconds } = await mappingOf(target, reader)
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID, ...limits }))
  try {
    await act()
  } finally {
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, MaximumRetryAttempts, MaximumRecordAgeInSeconds }))
  }
}

/** Acts while a function is told of a state table that does not exist. */
export async function whileTableIsAway(target: Target, reader: string, act: () => Promise<void>): Promise<void> {
  const lambda = lambdaOf(target)
  const { FunctionArn: FunctionName } = await mappingOf(target, reader)
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))
  const Variables = { ...Environment?.Variables, STATE_TABLE: 'away' }
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }))
  try {
    await act()
  } finally {
    await lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables: Environment?.Variables } }),
    )
  }
}

/** The mapping of the function that this construct of infra/ makes. */
async function mappingOf(target: Target, construct: string): Promise<EventSourceMappingConfiguration> {
  const { EventSourceMappings = [] } = await lambdaOf(target).send(new ListEventSourceMappingsCommand({}))
  const mapping = EventSourceMappings.find(({ FunctionArn }) => FunctionArn?.includes(`-${construct}`))
  if (mapping) return mapping
  throw new Error(`No function of ${construct} reads a stream.`)
}
