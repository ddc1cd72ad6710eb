import pLimit from 'p-limit'
import type { WindowLifetime } from '../../shared/grain.ts'
import type { Projection } from '../../shared/projection.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import type { PutResult, StateTable } from '../state/dynamodb.ts'
import { isUserItem, readItem, type TableChange } from '../state/dynamodb-items.ts'
import { asQuarantined, planWindows, type WindowTask } from './plan-windows.ts'

const MAX_ATTEMPTS = 5
const TASKS_AT_ONCE = 32
const MAX_ERRORS_LOGGED = 3

export interface MergeDependencies {
  readonly table: Pick<StateTable, 'readPart' | 'putPart'>
  readonly quarantine: Quarantine
  readonly projections: readonly Projection[]
  readonly lifetime: WindowLifetime
  readonly telemetry: Telemetry
}

/**
 * Merges the outboxes of the user items in a batch of the table's stream into windows. Throws if a window could not be written,
 * so that the batch is delivered again.
 */
export async function mergeBatch(batch: readonly TableChange[], dependencies: MergeDependencies): Promise<void> {
  const images = batch.flatMap(({ dynamodb }) => (dynamodb?.NewImage ? [readItem(dynamodb.NewImage)] : []))
  const users = images.filter(isUserItem)
  const tasks = planWindows(users, dependencies.projections, dependencies.lifetime)
  const limit = pLimit(TASKS_AT_ONCE)
  await Promise.all(tasks.map(task => limit(() => apply(task, dependencies))))
  dependencies.telemetry.count(
    'ContributionsMerged',
    tasks.reduce((total, { deltas }) => total + deltas.length, 0),
  )
}

/** Writes the item of one task. After a conflict it reads the item again and merges the deltas that are still missing. */
async function apply(task: WindowTask, dependencies: MergeDependencies): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const result = await mergeInto(task, dependencies)
    if (result === 'written') return
    dependencies.telemetry.count('Conflicts', 1)
  }
  throw new SafeError(
    `Other writers changed a window in each of ${MAX_ATTEMPTS} attempts to write it. The batch is delivered again.`,
  )
}

/**
 * Merges the deltas into the item as it is stored. Quarantines the rejected deltas before the put: the item also records their
 * order numbers, so after the put they are never retried.
 */
async function mergeInto(task: WindowTask, { table, quarantine, telemetry }: MergeDependencies): Promise<PutResult> {
  const { projection, key } = task
  const stored = await table.readPart(key)
  const merged = projection.grain.parts?.merge(projection, stored, task)
  if (!merged) return 'written'
  const { item, rejections, nearlyFull } = merged
  if (nearlyFull) telemetry.count('SlotTooLarge', 1)
  await quarantine.add(rejections.map(asQuarantined(task)))
  const result = await table.putPart(item, stored?.version)
  if (result === 'written' && rejections.length > 0) {
    telemetry.count('EventsQuarantined', rejections.length, 'not_merged')
    const reasons = new Set(rejections.map(({ reason }) => reason))
    telemetry.annotate('projectionErrors', [...reasons].slice(0, MAX_ERRORS_LOGGED))
  }
  return result
}
