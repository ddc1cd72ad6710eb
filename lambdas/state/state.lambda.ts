import { randomUUID } from 'node:crypto'
import type { KinesisStreamEvent } from 'aws-lambda'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { memoryRules } from '../../shared/memory/rules.ts'
import { projectionKey } from '../../shared/projection.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { windowLifetime } from '../window-lifetime.ts'
import { stateTable } from './dynamodb.ts'
import { pagesTable } from './dynamodb-pages.ts'
import { foldBatch, shardOf } from './fold-batch.ts'
import { FoldTurns } from './fold-turns.ts'
import type { LatenessBound } from './lateness.ts'

/** Reads the event stream and folds its records into the users' items. */
export const handler = defineHandler('state', environment => {
  const table = stateTable(environment.STATE_TABLE)
  const dependencies = {
    table,
    pages: pagesTable(environment.PAGES_TABLE),
    quarantine: quarantineOf(environment),
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    retryBudgetMs: Number(environment.RETRY_BUDGET_SECONDS) * 1000,
    now: Date.now,
    turns: new FoldTurns(randomUUID()),
  }
  const lifetime = windowLifetime(environment)
  const memory = memoryRules(environment)
  const keys = projections.map(projectionKey)
  const noted = new Set<string>()
  let bound: LatenessBound | undefined
  return async ({ Records }: KinesisStreamEvent, telemetry) => {
    bound ??= await table.recordLateness(lifetime.latenessMs, Date.now())
    const [first] = Records
    if (first && !noted.has(shardOf(first))) {
      await table.recordProjections(shardOf(first), keys, first.kinesis.sequenceNumber)
      noted.add(shardOf(first))
    }
    return foldBatch(Records, { ...dependencies, rules: { projections, memory, ...lifetime, ...bound }, telemetry })
  }
})
