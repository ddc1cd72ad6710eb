import type { DynamoDBStreamEvent } from 'aws-lambda'
import { projections } from '../../shared/catalogue.ts'
import { deploymentWaitMs } from '../deployment-wait.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { windowLifetime } from '../window-lifetime.ts'
import { mergeBatch } from './merge-batch.ts'

/** Reads the changes of user items and merges their outboxes into the windows. */
export const handler = defineHandler('windows', environment => {
  const dependencies = {
    table: stateTable(environment.STATE_TABLE),
    quarantine: quarantineOf(environment),
    projections,
    lifetime: windowLifetime(environment),
    deploymentWaitMs: deploymentWaitMs(environment),
    now: Date.now,
  }
  return ({ Records }: DynamoDBStreamEvent, telemetry) => mergeBatch(Records, { ...dependencies, telemetry })
})
