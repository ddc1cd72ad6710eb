import type { DynamoDBStreamEvent } from 'aws-lambda'
import { projections } from '../../shared/catalogue.ts'
import { NONE } from '../../shared/environment.ts'
import { handler as wrap } from '../handler.ts'
import { quarantine } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { mergeBatch } from './merge-batch.ts'

const HOUR_MS = 3_600_000

/** Reads the user items' changes and keeps the windows. */
export const handler = wrap('windows', environment => {
  const lateness = environment.LATENESS_HOURS
  const life = {
    latenessMs: lateness === NONE ? undefined : Number(lateness) * HOUR_MS,
    retentionMs: Number(environment.RETENTION_HOURS) * HOUR_MS,
  }
  const table = stateTable(environment.STATE_TABLE)
  const aside = quarantine(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  return ({ Records }: DynamoDBStreamEvent, told) => mergeBatch(Records, { table, aside, projections, life, told })
})
