import { InvokeCommand } from '@aws-sdk/client-lambda'
import { UserError } from '../shared/user-error.ts'
import { lambdaOf } from './clients.ts'
import type { Target } from './target.ts'

/** Invokes a function of the stack and returns its result. Throws a UserError with the function's error message. */
export async function invoke(target: Target, name: string, input: object): Promise<unknown> {
  const command = new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(input)) })
  const { Payload, FunctionError } = await lambdaOf(target).send(command)
  const result = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null')
  if (FunctionError)
    throw new UserError(`The function ${name} failed: ${result?.errorMessage ?? FunctionError} (see \`npx millrace logs\`)`)
  return result
}
