import type { KinesisStreamEvent } from 'aws-lambda'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { NONE } from '../../shared/environment.ts'
import { handler as wrap } from '../handler.ts'
import { quarantine } from '../quarantine/dynamodb.ts'
import { stateTable } from './dynamodb.ts'
import { type BatchParts, foldBatch } from './fold-batch.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** Reads the stream and keeps the state of every user. */
export const handler = wrap('state', environment => {
  const lateness = environment.LATENESS_HOURS
  const parts: Omit<BatchParts, 'told'> = {
    table: stateTable(environment.STATE_TABLE),
    aside: quarantine(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET),
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rules: {
      projections,
      identities: { milliseconds: Number(environment.IDENTITY_MINUTES) * MINUTE_MS, count: Number(environment.IDENTITY_COUNT) },
      latenessMs: lateness === NONE ? undefined : Number(lateness) * HOUR_MS,
      retentionMs: Number(environment.RETENTION_HOURS) * HOUR_MS,
    },
    budgetMs: Number(environment.RETRY_BUDGET_SECONDS) * 1000,
    now: Date.now,
  }
  return ({ Records }: KinesisStreamEvent, told) => foldBatch(Records, { ...parts, told })
})
