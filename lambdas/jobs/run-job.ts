import { type JobKind, type JobView, jobId } from '../../shared/jobs.ts'
import { redactKeys } from '../../shared/redact-keys.ts'
import { describeError, SafeError } from '../../shared/safe-error.ts'
import type { JobsTable } from './dynamodb.ts'
import { advanced, begun, isExhausted, isFree, type Job, newJob, type StepResult, stepFailed, viewOf } from './plan-job.ts'

/**
 * What a kind of job does. An invocation may be stopped anywhere, and two may run the same step: `plan` and `step` must be idempotent,
 * and everything that a step needs must be in its cursor.
 */
export interface JobDefinition<Cursor> {
  readonly kind: JobKind
  /** The longest time that a step takes. Nobody repeats a step earlier. */
  readonly stepMs: number
  /** Throws a SafeError of one line for an input that no job can have. Returns the input that is stored. */
  check(input: Readonly<Record<string, unknown>>): unknown
  /** The first step: finds out what is to be done. */
  plan(input: unknown): Promise<StepResult<Cursor>>
  step(cursor: Cursor): Promise<StepResult<Cursor>>
  /** What a job does instead of a step that never succeeds, so that the others follow. Without it, the job fails. */
  skip?(cursor: Cursor): StepResult<Cursor>
}

interface RunDependencies {
  readonly table: Pick<JobsTable, 'newest' | 'create' | 'replace'>
  readonly now: () => number
}

/** Starts a job of this kind. Returns undefined if one is running. `runJob` does its steps. */
export async function startJob<Cursor>(
  { kind, check }: Pick<JobDefinition<Cursor>, 'kind' | 'check'>,
  input: Readonly<Record<string, unknown>>,
  { table, now }: RunDependencies,
): Promise<JobView | undefined> {
  const checked = check(input)
  const [last] = await table.newest(kind, 1)
  if (last?.state === 'running') return undefined
  // Of two that start at the same time, one gets the number.
  const job = newJob(kind, (last?.number ?? 0) + 1, checked, now())
  return (await table.create(job)) ? viewOf(job) : undefined
}

/**
 * Does the steps of the running job of this kind, until the job ends, somebody else does its steps, or no further step may begin after
 * `until`. Then the next invocation continues. A step that throws is repeated later; the error is thrown.
 */
export async function runJob<Cursor>(
  definition: JobDefinition<Cursor>,
  until: number,
  { table, now }: RunDependencies,
): Promise<JobView | undefined> {
  let [job] = await table.newest(definition.kind, 1)
  while (job && isFree(job, now()) && now() < until) {
    const skipped: Job | undefined = isExhausted(job) ? afterSkip(definition, job, now()) : undefined
    const running: Job = skipped ?? begun(job, definition.stepMs, now())
    if (!(await table.replace(running))) return undefined
    if (running.state === 'failed') throw new SafeError(`The job ${jobId(job.kind, job.number)} failed: ${running.error}`)
    const next: Job = skipped ?? (await afterStep(definition, running, { table, now }))
    if (!skipped && !(await table.replace(next))) return undefined
    job = next
  }
  return job && viewOf(job)
}

/** The job after a step that is skipped. Undefined if the job cannot skip it. */
function afterSkip<Cursor>({ skip }: JobDefinition<Cursor>, job: Job, now: number): Job | undefined {
  return skip && job.cursor !== undefined ? advanced(job, skip(job.cursor as Cursor), now) : undefined
}

async function afterStep<Cursor>(
  definition: JobDefinition<Cursor>,
  job: Job,
  { table, now }: Pick<RunDependencies, 'table' | 'now'>,
): Promise<Job> {
  try {
    const result = job.cursor === undefined ? await definition.plan(job.input) : await definition.step(job.cursor as Cursor)
    return advanced(job, result, now())
  } catch (error) {
    const skipped = isExhausted(job) ? afterSkip(definition, job, now()) : undefined
    const noted = table.replace(skipped ?? stepFailed(job, redactKeys(describeError(withoutFrames(error))), now()))
    // Without the note, the step is repeated when its time is over. Why it failed says more than why that was not noted.
    await noted.catch(() => false)
    throw error
  }
}

/** The error as people see it: its stack frames are only in the log line of the invocation. */
function withoutFrames(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const cause = error.cause === undefined ? {} : { cause: { value: withoutFrames(error.cause) } }
  return Object.create(error, { stack: { value: '' }, ...cause })
}
