import { type JobKind, type JobState, type JobView, jobId } from '../../shared/jobs.ts'

/** A job in the table. Times are milliseconds since 1970. */
export interface Job {
  readonly kind: JobKind
  /** Counts the jobs of a kind from 1. */
  readonly number: number
  readonly state: JobState
  /** Each write of the job adds 1. A write is conditional on the version that it replaces. */
  readonly version: number
  readonly input: unknown
  /** Where the next step begins. Undefined: the job is not planned yet. */
  readonly cursor?: unknown
  readonly done: number
  readonly total: number | null
  readonly counts: Readonly<Record<string, number>>
  /** What the job has found out, for whoever started it. */
  readonly result?: unknown
  /** How often the next step was begun. */
  readonly attempts: number
  /** Nobody else begins a step before this time: an invocation runs one, or a failed one is repeated later. */
  readonly heldUntil: number
  readonly started: number
  readonly updated: number
  readonly ended?: number
  readonly error?: string
}

/** What a step, or the plan of a job, returns. */
export interface StepResult<Cursor> {
  /** Where the next step begins. Null: the job is done. */
  readonly cursor: Cursor | null
  readonly done: number
  readonly total: number
  /** What this step adds to the counts of the job. */
  readonly counts?: Readonly<Record<string, number>>
  readonly result?: unknown
}

/** About two hours of retries. */
const MAX_ATTEMPTS = 9
const MINUTE_MS = 60_000
const LONGEST_DELAY_MS = 32 * MINUTE_MS

export const newJob = (kind: JobKind, number: number, input: unknown, now: number): Job => ({
  ...{ kind, number, input, state: 'running', version: 1, done: 0, total: null, counts: {}, attempts: 0, heldUntil: 0 },
  ...{ started: now, updated: now },
})

/** Whether an invocation may begin the next step of the job. */
export const isFree = ({ state, heldUntil }: Job, now: number): boolean => state === 'running' && heldUntil <= now

/** Whether the next step was begun as often as a step is. */
export const isExhausted = ({ attempts }: Job): boolean => attempts >= MAX_ATTEMPTS

/** The job while its next step runs, for at most `stepMs`; or the failed job, if the step never ends. */
export function begun(job: Job, stepMs: number, now: number): Job {
  if (isExhausted(job)) return ended(job, 'failed', now, job.error ?? `A step was stopped ${job.attempts} times before its end.`)
  return { ...changed(job, now), attempts: job.attempts + 1, heldUntil: now + stepMs }
}

/** The job after a step. It is free for the next invocation, unless this one begins the next step at once. */
export function advanced(job: Job, { cursor, done, total, counts = {}, result }: StepResult<unknown>, now: number): Job {
  const names = new Set([...Object.keys(job.counts), ...Object.keys(counts)])
  const { error: _, ...others } = job
  const next = {
    ...others,
    ...{ done, total, attempts: 0, heldUntil: 0 },
    counts: Object.fromEntries([...names].map(name => [name, (job.counts[name] ?? 0) + (counts[name] ?? 0)])),
    ...(result !== undefined && { result }),
  }
  return cursor === null ? ended(next, 'done', now) : { ...changed(next, now), cursor }
}

/** The job after a step that threw: the step is repeated later, or the job has failed. */
export function stepFailed(job: Job, error: string, now: number): Job {
  if (isExhausted(job)) return ended(job, 'failed', now, error)
  const delay = Math.min(MINUTE_MS * 2 ** (job.attempts - 1), LONGEST_DELAY_MS)
  return { ...changed(job, now), error, heldUntil: now + delay }
}

/** The cancelled job. A step that runs meanwhile ends, but no other begins. */
export const cancelled = (job: Job, now: number): Job => ended(job, 'cancelled', now)

const changed = (job: Job, now: number): Job => ({ ...job, version: job.version + 1, updated: now })

const ended = (job: Job, state: JobState, now: number, error?: string): Job => ({
  ...changed(job, now),
  ...{ state, ended: now, heldUntil: 0 },
  ...(error !== undefined && { error }),
})

export const viewOf = (job: Job): JobView => ({
  ...{ id: jobId(job.kind, job.number), kind: job.kind, state: isQueued(job) ? 'queued' : job.state },
  ...{ done: job.done, total: job.total, counts: job.counts },
  startedAt: textOf(job.started),
  updatedAt: textOf(job.updated),
  endedAt: job.ended === undefined ? null : textOf(job.ended),
  result: job.result ?? (job.state === 'done' ? job.counts : null),
  error: job.error ?? null,
})

/** The plan of a job is its first step. */
const isQueued = ({ state, cursor, attempts }: Job): boolean => state === 'running' && cursor === undefined && attempts === 0

const textOf = (millis: number): string => new Date(millis).toISOString()
