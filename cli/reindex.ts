import { Argument, type Command } from 'commander'
import { stateTable } from '../lambdas/state/dynamodb.ts'
import { dynamoDbOperations } from '../lambdas/state/dynamodb-operations.ts'
import { projections } from '../shared/catalogue.ts'
import { NONE } from '../shared/environment.ts'
import type { JobView } from '../shared/jobs.ts'
import type { IdentifiedSummary } from '../shared/quarantine.ts'
import type { ReindexResult } from '../shared/reindex.ts'
import { UserError } from '../shared/user-error.ts'
import { dynamodbOf } from './clients.ts'
import { startJob, waitForJob } from './jobs/run.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { readEvent } from './quarantine/read-event.ts'
import { collectedItems, quarantineStoresOf } from './quarantine/scan.ts'
import { withoutLostErasures } from './reindex/erasures.ts'
import { isResolved, release } from './reindex/release.ts'
import { withoutUnwritten } from './reindex/written.ts'
import { findTarget, type Target } from './target.ts'

interface Options extends CommonOptions {
  readonly wait: boolean
}

export function reindexCommand(program: Command): void {
  withCommonOptions(program.command('reindex'))
    .description('write all documents again from the state table; safe to repeat, and safe while events arrive')
    .addArgument(
      new Argument('[projection]', 'reindex only this projection').choices([...new Set(projections.map(({ name }) => name))]),
    )
    .option('--no-wait', 'return when the job is started, and leave what it repairs in the quarantine')
    .action(async (projection: string | undefined, { stage, json, wait }: Options) => {
      const target = await findTarget(stage)
      if (!wait) return printStarted(await start(target, projection), json)
      const { documents, released } = await reindex(target, projection)
      if (json) printJson({ documents, released })
      else console.log(`${documents} documents written, ${released} events removed from the quarantine.`)
    })
}

const printStarted = (job: JobView, json: boolean | undefined): void =>
  json ? printJson(job) : console.log(`The job ${job.id} is started. \`millrace jobs show ${job.id}\` shows its progress.`)

interface ReindexTotals {
  /** Documents sent to OpenSearch, each with the version of its state. */
  readonly documents: number
  /** Events removed from the quarantine because their documents are now written. */
  readonly released: number
}

/** Writes the documents of one projection or of all. A reindex of all also removes the events that it resolves from the quarantine. */
async function reindex(target: Target, projection: string | undefined): Promise<ReindexTotals> {
  // Read before the first document is written: the reindex may not cover events quarantined while it runs.
  const quarantined = projection === undefined ? await collectedItems(target) : []
  const { counts, result } = await waitForJob(target, await start(target, projection))
  const indices = new Set((result as ReindexResult).indices)
  const table = stateTable(target.outputs.StateTable, dynamoDbOperations(dynamodbOf(target)))
  const candidates = quarantined.filter(item => isResolved(item, indices))
  const written = await withoutUnwritten(candidates, { table, projections, now: Date.now })
  const stores = quarantineStoresOf(target)
  const bodyOf = async (event: IdentifiedSummary) => (await readEvent(event, stores))?.body
  const resolved = await withoutLostErasures(written, { bodyOf, table })
  return { documents: counts['documents'] ?? 0, released: await release(target, resolved) }
}

function start(target: Target, projection: string | undefined): Promise<JobView> {
  if (target.outputs.ReindexFunction === NONE)
    throw new UserError(`There is nothing to reindex: ${target.name} runs without OpenSearch.`)
  return startJob(target, target.outputs.ReindexFunction, projection === undefined ? {} : { projection })
}
