import type { Command } from 'commander'
import { jobsTable } from '../lambdas/jobs/dynamodb.ts'
import { cancelled, type Job, viewOf } from '../lambdas/jobs/plan-job.ts'
import { type JobView, jobKinds, parseJobId } from '../shared/jobs.ts'
import { UserError } from '../shared/user-error.ts'
import { dynamodbOf } from './clients.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'
import { visible } from './visible.ts'

const LISTED_PER_KIND = 20

export function jobsCommand(program: Command): void {
  const jobs = program.command('jobs').description('list, show and cancel jobs: long work that the stage does by itself')
  withCommonOptions(jobs.command('list'))
    .description(`the newest ${LISTED_PER_KIND} jobs of each kind`)
    .action(async ({ stage, json }: CommonOptions) => {
      const found = await listJobs(await findTarget(stage))
      if (json) printJson(found)
      else
        console.log(
          found.length === 0
            ? 'No jobs.'
            : formatTable(found.map(rowOf), ['id', 'state', 'done', 'counts', 'startedAt', 'endedAt', 'error']),
        )
    })
  withCommonOptions(jobs.command('show'))
    .description('the state and the progress of a job')
    .argument('<id>', 'the job, such as reindex-12')
    .action(async (id: string, { stage, json }: CommonOptions) => print(viewOf(await findJob(await findTarget(stage), id)), json))
  withCommonOptions(jobs.command('cancel'))
    .description('let a job begin no further step; what it did stays')
    .argument('<id>', 'the job, such as reindex-12')
    .action(async (id: string, { stage, json }: CommonOptions) => print(await cancelJob(await findTarget(stage), id), json))
}

const tableOf = (target: Target) => jobsTable(target.outputs.JobsTable, dynamodbOf(target))

async function listJobs(target: Target): Promise<JobView[]> {
  const found = await Promise.all(jobKinds.map(kind => tableOf(target).newest(kind, LISTED_PER_KIND)))
  return found
    .flat()
    .map(viewOf)
    .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
}

/** The job with this id. Throws a UserError if there is none. */
export async function findJob(target: Target, id: string): Promise<Job> {
  const named = parseJobId(id)
  const job = named && (await tableOf(target).find(named.kind, named.number))
  if (job) return job
  throw new UserError(`There is no job ${visible(id)}. \`millrace jobs list\` shows the jobs.`)
}

/** Cancels a running job, whoever writes its progress meanwhile. */
async function cancelJob(target: Target, id: string): Promise<JobView> {
  for (;;) {
    const job = await findJob(target, id)
    if (job.state !== 'running') throw new UserError(`The job ${id} is ${job.state}.`)
    const stopped = cancelled(job, Date.now())
    if (await tableOf(target).replace(stopped)) return viewOf(stopped)
  }
}

function rowOf({ id, state, done, total, counts, startedAt, endedAt, error }: JobView) {
  return { id, state, done: total === null ? '-' : `${done}/${total}`, counts: countsOf(counts), startedAt, endedAt, error }
}

/** `12 documents, 3 days`. */
export const countsOf = (counts: JobView['counts']): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')

const print = (job: JobView, json: boolean | undefined): void =>
  json
    ? printJson(job)
    : console.log(
        Object.entries(rowOf(job))
          .map(([name, value]) => `${name.padEnd(9)} ${visible(String(value ?? '-'))}`)
          .join('\n'),
      )
