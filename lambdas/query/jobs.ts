import { type JobView, parseJobId } from '../../shared/jobs.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'
import type { JobsTable } from '../jobs/dynamodb.ts'
import { viewOf } from '../jobs/plan-job.ts'

/** Reads a job. Throws when the table does not respond. */
export async function readJob(id: string, table: Pick<JobsTable, 'find'>): Promise<JobView | Rejection> {
  const named = parseJobId(id)
  const job = named && (await table.find(named.kind, named.number))
  return job ? viewOf(job) : reject('not_found')
}
