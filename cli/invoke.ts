import { InvokeCommand } from '@aws-sdk/client-lambda'
import { UserError } from '../shared/user-error.ts'
import { lambdaOf } from './clients.ts'
import type { Target } from './target.ts'

/** Calls a function of the stack and waits for its answer. Throws a Failure with what the function says went wrong. */
export async function invoke(target: Target, name: string, input: object): Promise<unknown> {
  const call = new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(input)) })
  const { Payload, FunctionError } = await lambdaOf(target).send(call)
  const answer = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null')
  if (FunctionError) throw new UserError(`The function ${name} failed: ${answer?.errorMessage ?? FunctionError}`)
  return answer
}
