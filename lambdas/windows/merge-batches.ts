import type { Telemetry } from '../handler.ts'
import type { StateTable } from '../state/dynamodb.ts'
import type { TableChange } from '../state/dynamodb-items.ts'
import { type MergeDependencies, mergeBatch } from './merge-batch.ts'

interface Dependencies extends Omit<MergeDependencies, 'telemetry'> {
  readonly table: MergeDependencies['table'] & Pick<StateTable, 'recordLateness'>
}

/**
 * Returns a function that merges batches as mergeBatch does. Before the first one it records the lateness bound by which windows
 * expire from now on: a deployment updates this function before the state function, and may be rolled back in between.
 */
export function mergeBatches(dependencies: Dependencies) {
  const { table, lifetime, now } = dependencies
  let isRecorded = false
  return async (batch: readonly TableChange[], telemetry: Telemetry): Promise<void> => {
    if (!isRecorded) await table.recordLateness(lifetime.latenessMs, now())
    isRecorded = true
    await mergeBatch(batch, { ...dependencies, telemetry })
  }
}
