import type { DynamoDBRecord } from 'aws-lambda'
import pLimit from 'p-limit'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { UserItem } from '../../shared/state.ts'
import type { Attributes } from '../dynamodb.ts'
import type { Telemetry } from '../handler.ts'
import type { PutResult, StateTable } from '../state/dynamodb.ts'
import { readItem } from '../state/dynamodb-items.ts'
import {
  applyToSlot,
  applyToWindow,
  asQuarantined,
  type MergeResult,
  planWindows,
  type WindowLifetime,
  type WindowTask,
  withinSize,
} from './plan-windows.ts'

const MAX_ATTEMPTS = 5
const TASKS_AT_ONCE = 32

export interface MergeDependencies {
  readonly table: StateTable
  readonly quarantine: Quarantine
  readonly projections: readonly Projection[]
  readonly lifetime: WindowLifetime
  readonly telemetry: Telemetry
}

/** Merges what the user items of a batch of the table's stream add to windows. Throws when one could not be written: the batch comes again. */
export async function mergeBatch(batch: readonly DynamoDBRecord[], dependencies: MergeDependencies): Promise<void> {
  const images = batch.flatMap(({ dynamodb }) => (dynamodb?.NewImage ? [readItem(dynamodb.NewImage as Attributes)] : []))
  const users = images.filter(item => item.kind === 'user') as UserItem[]
  const tasks = planWindows(users, dependencies.projections)
  const limit = pLimit(TASKS_AT_ONCE)
  await Promise.all(tasks.map(task => limit(() => apply(task, dependencies))))
  dependencies.telemetry.count(
    'ContributionsMerged',
    tasks.reduce((total, { deltas }) => total + deltas.length, 0),
  )
}

/** Puts one task's item; when another writer was first, reads again and adds what is still missing. */
async function apply(task: WindowTask, dependencies: MergeDependencies): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const result = task.kind === 'window' ? await putWindow(task, dependencies) : await putSlot(task, dependencies)
    if (result === 'written') return
    dependencies.telemetry.count('Conflicts', 1)
  }
  throw new SafeError(`A window was written by others ${MAX_ATTEMPTS} times in a row; the batch is delivered again.`)
}

async function putWindow(task: WindowTask & { kind: 'window' }, dependencies: MergeDependencies) {
  const { table, lifetime } = dependencies
  const stored = await table.readWindow(task.user, projectionKey(task.projection), task.start)
  const merged = applyToWindow(stored, task, lifetime)
  if (!merged) return 'written'
  return quarantineThenPut(task, merged, dependencies, () => table.putWindow(merged.item, stored?.version))
}

async function putSlot(task: WindowTask & { kind: 'slot' }, dependencies: MergeDependencies) {
  const { table, lifetime, telemetry } = dependencies
  const stored = await table.readSlot(projectionKey(task.projection), task.start, task.slot)
  const merged = applyToSlot(stored, task, lifetime)
  if (!merged) return 'written'
  const item = withinSize(merged.item)
  if (item.users.size < merged.item.users.size) telemetry.count('SlotTooLarge', 1)
  return quarantineThenPut(task, merged, dependencies, () => table.putSlot(item, stored?.version))
}

/** Puts the item once what it refused is aside: it holds the order of that, too, so nothing may be lost between the two. */
async function quarantineThenPut(
  task: WindowTask,
  { rejections: refused }: MergeResult<unknown>,
  { quarantine, telemetry }: MergeDependencies,
  put: () => Promise<PutResult>,
) {
  await quarantine.add(refused.map(asQuarantined(task)))
  const result = await put()
  if (result === 'written') telemetry.count('EventsQuarantined', refused.length, 'not_merged')
  return result
}
