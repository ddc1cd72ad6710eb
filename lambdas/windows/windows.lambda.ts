import type { DynamoDBStreamEvent } from 'aws-lambda'
import { projections } from '../../shared/catalogue.ts'
import { NONE } from '../../shared/environment.ts'
import { defineHandler } from '../handler.ts'
import { quarantineStore } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { mergeBatch } from './merge-batch.ts'

const HOUR_MS = 3_600_000

/** Reads the changes of user items and merges their outboxes into the windows. */
export const handler = defineHandler('windows', environment => {
  const lateness = environment.LATENESS_HOURS
  const lifetime = {
    latenessMs: lateness === NONE ? undefined : Number(lateness) * HOUR_MS,
    retentionMs: Number(environment.RETENTION_HOURS) * HOUR_MS,
  }
  const table = stateTable(environment.STATE_TABLE)
  const quarantine = quarantineStore(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  return ({ Records }: DynamoDBStreamEvent, telemetry) =>
    mergeBatch(Records, { table, quarantine, projections, lifetime, telemetry, now: Date.now })
})
