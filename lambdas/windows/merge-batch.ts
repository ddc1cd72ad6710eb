import pLimit from 'p-limit'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import type { PutResult, StateTable } from '../state/dynamodb.ts'
import { readItem, type TableChange } from '../state/dynamodb-items.ts'
import {
  applyToSlot,
  applyToWindow,
  asQuarantined,
  type MergeResult,
  planWindows,
  type SlotTask,
  type UserWindowTask,
  type WindowLifetime,
  type WindowTask,
  withinSize,
} from './plan-windows.ts'

const MAX_ATTEMPTS = 5
const TASKS_AT_ONCE = 32

export interface MergeDependencies {
  readonly table: Pick<StateTable, 'readWindow' | 'putWindow' | 'readSlot' | 'putSlot'>
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
  const users = images.filter(item => item.kind === 'user')
  const tasks = planWindows(users, dependencies.projections)
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
    const result = task.kind === 'window' ? await putWindow(task, dependencies) : await putSlot(task, dependencies)
    if (result === 'written') return
    dependencies.telemetry.count('Conflicts', 1)
  }
  throw new SafeError(
    `Other writers changed a window in each of ${MAX_ATTEMPTS} attempts to write it. The batch is delivered again.`,
  )
}

async function putWindow(task: UserWindowTask, dependencies: MergeDependencies): Promise<PutResult> {
  const { table, lifetime } = dependencies
  const stored = await table.readWindow(task.user, projectionKey(task.projection), task.start)
  const merged = applyToWindow(stored, task, lifetime)
  if (!merged) return 'written'
  return quarantineThenPut(task, merged, dependencies, () => table.putWindow(merged.item, stored?.version))
}

async function putSlot(task: SlotTask, dependencies: MergeDependencies): Promise<PutResult> {
  const { table, lifetime, telemetry } = dependencies
  const stored = await table.readSlot(projectionKey(task.projection), task.start, task.slot)
  const merged = applyToSlot(stored, task, lifetime)
  if (!merged) return 'written'
  const item = withinSize(merged.item)
  if (item.users.size < merged.item.users.size) telemetry.count('SlotTooLarge', 1)
  return quarantineThenPut(task, merged, dependencies, () => table.putSlot(item, stored?.version))
}

/**
 * Quarantines the rejected deltas, then puts the item. The item also records the order numbers of rejected deltas, so after the
 * put they are never retried.
 */
async function quarantineThenPut(
  task: WindowTask,
  { rejections }: MergeResult<unknown>,
  { quarantine, telemetry }: MergeDependencies,
  put: () => Promise<PutResult>,
): Promise<PutResult> {
  await quarantine.add(rejections.map(asQuarantined(task)))
  const result = await put()
  if (result === 'written') telemetry.count('EventsQuarantined', rejections.length, 'not_merged')
  return result
}
