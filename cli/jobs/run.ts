import { setTimeout } from 'node:timers/promises'
import { InvocationType, InvokeCommand } from '@aws-sdk/client-lambda'
import type { Job } from '../../lambdas/jobs/plan-job.ts'
import type { JobRequest, JobView } from '../../shared/jobs.ts'
import { UserError } from '../../shared/user-error.ts'
import { lambdaOf } from '../clients.ts'
import { invoke } from '../invoke.ts'
import { countsOf, findJob } from '../jobs.ts'
import { showProgress } from '../progress.ts'
import type { Target } from '../target.ts'

const POLL_MS = 500

/** Starts a job. The function does its steps from now on, whether anybody waits or not. */
export async function startJob(target: Target, functionName: string, input: JobRequest['start'] = {}): Promise<JobView> {
  const job = (await invoke(target, functionName, { start: input } satisfies JobRequest)) as JobView
  const begin = { FunctionName: functionName, InvocationType: InvocationType.Event, Payload: Buffer.from('{}') }
  await lambdaOf(target).send(new InvokeCommand(begin))
  return job
}

/** Waits for the end of a job and shows its progress. Throws a UserError if the job fails or is cancelled. */
export async function waitForJob(target: Target, { id, kind }: JobView): Promise<Job> {
  const progress = showProgress(kind, 1)
  progress.say(`The job ${id} runs in the stage, also without this command: \`millrace jobs show ${id}\`.`)
  for (;;) {
    const job = await findJob(target, id)
    const { done, total, counts, error, state } = job
    progress.at(total === null || total === 0 ? 0 : done / total, [countsOf(counts), error ?? ''].filter(Boolean).join('; '))
    if (state !== 'running') progress.done()
    if (state === 'done') return job
    if (state !== 'running') throw new UserError(`The job ${id} is ${state}${error ? `: ${error}` : '.'}`)
    await setTimeout(POLL_MS)
  }
}
