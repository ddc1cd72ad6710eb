import type { JobKind, JobRequest, JobView } from '../../shared/jobs.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import { jobsTable } from './dynamodb.ts'
import { type JobDefinition, runJob, startJob } from './run-job.ts'

/** Shorter than the time-out of the functions that run jobs, which is Lambda's maximum. */
const RUN_MS = 14 * 60_000

/**
 * Handles the invocations of a function that runs jobs of one kind. `{start: input}` starts a job and returns it. Anything else does
 * steps of the running job: whoever started it invokes the function once more, and a schedule continues it every minute.
 */
export function jobHandler<Cursor>(table: string, definitionOf: (telemetry: Telemetry) => JobDefinition<Cursor>) {
  const dependencies = { table: jobsTable(table), now: Date.now }
  return async ({ start, scheduled }: JobRequest, telemetry: Telemetry): Promise<JobView | null> => {
    const definition = definitionOf(telemetry)
    const until = Date.now() + RUN_MS - definition.stepMs
    const job = start ? await startJob(definition, start, dependencies) : await runJob(definition, until, dependencies)
    if (start && !job && !scheduled) throw new SafeError(isRunning(definition.kind))
    if (job) telemetry.annotate('job', { id: job.id, state: job.state, ...job.counts })
    return job ?? null
  }
}

const isRunning = (kind: JobKind): string =>
  `A ${kind} job is running. Wait for its end (\`millrace jobs list\`), or stop it with \`millrace jobs cancel ID\`.`
