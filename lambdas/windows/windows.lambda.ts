import type { DynamoDBStreamEvent } from 'aws-lambda'
import { projections } from '../../shared/catalogue.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { windowLifetime } from '../window-lifetime.ts'
import { mergeBatch } from './merge-batch.ts'

/** Reads the changes of user items and merges their outboxes into the windows. */
export const handler = defineHandler('windows', environment => {
  const lifetime = windowLifetime(environment)
  const table = stateTable(environment.STATE_TABLE)
  const quarantine = quarantineOf(environment)
  return ({ Records }: DynamoDBStreamEvent, telemetry) =>
    mergeBatch(Records, { table, quarantine, projections, lifetime, telemetry, now: Date.now })
})
