import type { KinesisStreamEvent } from 'aws-lambda'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { windowLifetime } from '../window-lifetime.ts'
import { stateTable } from './dynamodb.ts'
import { type FoldDependencies, foldBatch } from './fold-batch.ts'

const MINUTE_MS = 60_000

/** Reads the event stream and folds its records into the users' items. */
export const handler = defineHandler('state', environment => {
  const dependencies: Omit<FoldDependencies, 'telemetry'> = {
    table: stateTable(environment.STATE_TABLE),
    quarantine: quarantineOf(environment),
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rules: {
      projections,
      identities: { milliseconds: Number(environment.IDENTITY_MINUTES) * MINUTE_MS, count: Number(environment.IDENTITY_COUNT) },
      ...windowLifetime(environment),
    },
    retryBudgetMs: Number(environment.RETRY_BUDGET_SECONDS) * 1000,
    now: Date.now,
  }
  return ({ Records }: KinesisStreamEvent, telemetry) => foldBatch(Records, { ...dependencies, telemetry })
})
