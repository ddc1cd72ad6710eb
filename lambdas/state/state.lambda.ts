import type { KinesisStreamEvent } from 'aws-lambda'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { NONE } from '../../shared/environment.ts'
import { defineHandler } from '../handler.ts'
import { quarantineStore } from '../quarantine/dynamodb.ts'
import { stateTable } from './dynamodb.ts'
import { type FoldDependencies, foldBatch } from './fold-batch.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** Reads the event stream and folds its records into the users' items. */
export const handler = defineHandler('state', environment => {
  const lateness = environment.LATENESS_HOURS
  const dependencies: Omit<FoldDependencies, 'telemetry'> = {
    table: stateTable(environment.STATE_TABLE),
    quarantine: quarantineStore(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET),
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rules: {
      projections,
      identities: { milliseconds: Number(environment.IDENTITY_MINUTES) * MINUTE_MS, count: Number(environment.IDENTITY_COUNT) },
      latenessMs: lateness === NONE ? undefined : Number(lateness) * HOUR_MS,
      retentionMs: Number(environment.RETENTION_HOURS) * HOUR_MS,
    },
    retryBudgetMs: Number(environment.RETRY_BUDGET_SECONDS) * 1000,
    now: Date.now,
  }
  return ({ Records }: KinesisStreamEvent, telemetry) => foldBatch(Records, { ...dependencies, telemetry })
})
