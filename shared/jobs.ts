/** Every kind of job. Only one job of a kind runs at a time. */
export const jobKinds = ['compact', 'reindex'] as const

export type JobKind = (typeof jobKinds)[number]

/** As a job is stored. */
export type JobState = 'running' | 'done' | 'failed' | 'cancelled'

/** A job as the API and `millrace jobs` show it. Times are RFC 3339. */
export interface JobView {
  /** Such as `reindex-12`. */
  readonly id: string
  readonly kind: JobKind
  /** `queued`: no step has begun. */
  readonly state: 'queued' | JobState
  /** Units of the job that are done, and all. Null before the job is planned. */
  readonly done: number
  readonly total: number | null
  /** What the job has counted so far, such as documents. A step that was repeated may have been counted twice. */
  readonly counts: Readonly<Record<string, number>>
  readonly startedAt: string
  readonly updatedAt: string
  readonly endedAt: string | null
  /** What the job has found out, or what it has counted once it is done. */
  readonly result: unknown
  /** Why the job failed, or why its last step did. */
  readonly error: string | null
}

export const jobId = (kind: JobKind, number: number): string => `${kind}-${number}`

const JOB_ID = /^([a-z]+)-([1-9]\d{0,8})$/

/** The kind and the number of a job. Undefined if no job can have this id. */
export function parseJobId(id: string): { readonly kind: JobKind; readonly number: number } | undefined {
  const [, name, number] = JOB_ID.exec(id) ?? []
  const kind = jobKinds.find(known => known === name)
  return kind && { kind, number: Number(number) }
}

/** Input of a function that runs jobs: starts a job, or runs the job that is started. */
export interface JobRequest {
  readonly start?: Readonly<Record<string, unknown>>
  /** Set by a schedule, which may invoke twice: if a job is running, none is started. */
  readonly scheduled?: true
}
