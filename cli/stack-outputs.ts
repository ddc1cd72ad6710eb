import type { Stack } from '@aws-sdk/client-cloudformation'
import { type StackOutputs, stackOutputs } from '../shared/outputs.ts'
import { UserError } from '../shared/user-error.ts'

/** The outputs of a deployed stack. Throws a UserError if some are missing. */
export function readOutputs(name: string, stack: Stack | undefined): StackOutputs {
  const values = new Map(stack?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]))
  const missing = stackOutputs.filter(output => !values.get(output))
  if (missing.length > 0)
    throw new UserError(`The stack ${name} lacks the outputs ${missing.join(', ')}. Deploy it again with this version.`)
  return Object.fromEntries(values) as StackOutputs
}
