import type { DynamoDBStreamEvent } from 'aws-lambda'
import { projections } from '../../shared/catalogue.ts'
import { deploymentWaitMs } from '../deployment-wait.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { indexBatch } from './index-batch.ts'
import { preparing } from './missing-index.ts'
import { openSearch } from './opensearch.ts'
import { ensureIndices } from './set-up.ts'

/** Reads the state table's stream and writes the documents of the changed items. */
export const handler = defineHandler('index-documents', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const dependencies = {
    client,
    table: stateTable(environment.STATE_TABLE),
    quarantine: quarantineOf(environment),
    projections,
    deploymentWaitMs: deploymentWaitMs(environment),
    now: Date.now,
  }
  const withIndices = preparing(() => ensureIndices(client, projections))
  return ({ Records }: DynamoDBStreamEvent, telemetry) => withIndices(() => indexBatch(Records, { ...dependencies, telemetry }))
})
