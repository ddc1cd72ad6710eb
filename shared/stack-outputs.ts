import { type StackOutputs, stackOutputs } from './outputs.ts'
import { UserError } from './user-error.ts'

/** An output of a stack, as CloudFormation describes it. */
interface DescribedOutput {
  readonly OutputKey?: string | undefined
  readonly OutputValue?: string | undefined
}

/** The outputs of the stack `name`, by output name. Throws a UserError if some are missing. */
export function readOutputs(name: string, described: readonly DescribedOutput[] = []): StackOutputs {
  const values = new Map(described.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]))
  const missing = stackOutputs.filter(output => !values.get(output))
  if (missing.length > 0)
    throw new UserError(`The stack ${name} lacks the outputs ${missing.join(', ')}. Deploy it again with this version.`)
  return Object.fromEntries(values) as StackOutputs
}
