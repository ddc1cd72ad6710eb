import type { DynamoDBRecord } from 'aws-lambda'
import pLimit from 'p-limit'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { UserItem } from '../../shared/state.ts'
import type { Told } from '../handler.ts'
import { type Attributes, readItem, type StateTable } from '../state/dynamodb.ts'
import { applyToSlot, applyToWindow, type Life, planWindows, SLOT_USERS, type Task, withinSize } from './plan-windows.ts'

const ATTEMPTS = 5
const TASKS_AT_ONCE = 32

export interface MergeParts {
  readonly table: StateTable
  readonly projections: readonly Projection[]
  readonly life: Life
  readonly told: Told
}

/** Merges what the user items of a batch of the table's stream add to windows. Throws when one could not be written: the batch comes again. */
export async function mergeBatch(batch: readonly DynamoDBRecord[], parts: MergeParts): Promise<void> {
  const images = batch.flatMap(({ dynamodb }) => (dynamodb?.NewImage ? [readItem(dynamodb.NewImage as Attributes)] : []))
  const users = images.filter(item => item.kind === 'user') as UserItem[]
  const tasks = planWindows(users, parts.projections)
  const limit = pLimit(TASKS_AT_ONCE)
  await Promise.all(tasks.map(task => limit(() => apply(task, parts))))
  parts.told.count(
    'ContributionsMerged',
    tasks.reduce((total, { sent }) => total + sent.length, 0),
  )
}

/** Puts one task's item; when another writer was first, reads again and adds what is still missing. */
async function apply(task: Task, parts: MergeParts): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const result = task.kind === 'window' ? await putWindow(task, parts) : await putSlot(task, parts)
    if (result === 'written') return
    parts.told.count('Conflicts', 1)
  }
  throw new SafeError(`A window was written by others ${ATTEMPTS} times in a row; the batch is delivered again.`)
}

async function putWindow(task: Task & { kind: 'window' }, { table, life }: MergeParts) {
  const stored = await table.readWindow(task.user, projectionKey(task.projection), task.start)
  const item = applyToWindow(stored, task, life)
  return item ? table.putWindow(item, stored?.version) : 'written'
}

async function putSlot(task: Task & { kind: 'slot' }, { table, life, told }: MergeParts) {
  const stored = await table.readSlot(projectionKey(task.projection), task.start, task.slot)
  const item = applyToSlot(stored, task, life)
  if (!item) return 'written'
  if (item.users.size > SLOT_USERS) told.count('SlotTooLarge', 1)
  return table.putSlot(withinSize(item), stored?.version)
}
