import type { DynamoDBStreamEvent } from 'aws-lambda'
import { projections } from '../../shared/catalogue.ts'
import { deploymentWaitMs } from '../deployment-wait.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { stateTable } from '../state/dynamodb.ts'
import { windowLifetime } from '../window-lifetime.ts'
import { mergeBatches } from './merge-batches.ts'

/** Reads the changes of user items and merges their outboxes into the windows. */
export const handler = defineHandler('windows', environment => {
  const merge = mergeBatches({
    table: stateTable(environment.STATE_TABLE),
    quarantine: quarantineOf(environment),
    projections,
    lifetime: windowLifetime(environment),
    deploymentWaitMs: deploymentWaitMs(environment),
    now: Date.now,
  })
  return ({ Records }: DynamoDBStreamEvent, telemetry) => merge(Records, telemetry)
})
