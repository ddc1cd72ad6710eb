import { defineHandler } from '../handler.ts'
import { jobHandler } from '../jobs/job-handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { pageScanner } from './dynamodb.ts'
import { openSearch } from './opensearch.ts'
import { writeAgain } from './reindex.ts'
import { reindexJob } from './reindex-job.ts'
import { ensureIndices } from './set-up.ts'

/** Runs the jobs that write documents again from the state table. */
export const handler = defineHandler('reindex', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const table = stateTable(environment.STATE_TABLE)
  const quarantine = quarantineOf(environment)
  const scan = pageScanner(environment.STATE_TABLE)
  return jobHandler(environment.JOBS_TABLE, telemetry =>
    reindexJob({
      scan,
      ensureIndices: wanted => ensureIndices(client, wanted),
      write: (items, wanted) => writeAgain(items, { client, table, quarantine, projections: wanted, telemetry, now: Date.now }),
    }),
  )
})
