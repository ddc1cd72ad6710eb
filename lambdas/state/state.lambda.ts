import type { KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { defineHandler } from '../handler.ts'
import { quarantineStore } from '../quarantine/dynamodb.ts'
import { windowLifetime } from '../window-lifetime.ts'
import { stateTable } from './dynamodb.ts'
import { foldBatch } from './fold-batch.ts'
import type { LatenessBound } from './lateness.ts'

const MINUTE_MS = 60_000

/** Reads the event stream and folds its records into the users' items. */
export const handler = defineHandler('state', environment => {
  const table = stateTable(environment.STATE_TABLE)
  const dependencies = {
    table,
    quarantine: quarantineStore(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET),
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    retryBudgetMs: Number(environment.RETRY_BUDGET_SECONDS) * 1000,
    now: Date.now,
  }
  const lifetime = windowLifetime(environment)
  const identities = { milliseconds: Number(environment.IDENTITY_MINUTES) * MINUTE_MS, count: Number(environment.IDENTITY_COUNT) }
  let bound: LatenessBound | undefined
  return async ({ Records }: KinesisStreamEvent, telemetry) => {
    bound ??= await table.recordLateness(lifetime.latenessMs, arrivalOf(Records))
    return foldBatch(Records, { ...dependencies, rules: { projections, identities, ...lifetime, ...bound }, telemetry })
  }
})

/** When the stream received the first record: milliseconds since 1970. */
const arrivalOf = ([first]: readonly KinesisStreamRecord[]): number =>
  Math.trunc((first?.kinesis.approximateArrivalTimestamp ?? 0) * 1000)
