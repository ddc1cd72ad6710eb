import type { DynamoDBRecord } from 'aws-lambda'
import pLimit from 'p-limit'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { UserItem } from '../../shared/state.ts'
import type { Told } from '../handler.ts'
import type { Quarantine } from '../quarantine/dynamodb.ts'
import type { PutResult, StateTable } from '../state/dynamodb.ts'
import { type Attributes, readItem } from '../state/dynamodb-items.ts'
import {
  applyToSlot,
  applyToWindow,
  asQuarantined,
  type Life,
  type Merged,
  planWindows,
  type Task,
  withinSize,
} from './plan-windows.ts'

const ATTEMPTS = 5
const TASKS_AT_ONCE = 32

export interface MergeParts {
  readonly table: StateTable
  readonly aside: Quarantine
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

async function putWindow(task: Task & { kind: 'window' }, parts: MergeParts) {
  const { table, life } = parts
  const stored = await table.readWindow(task.user, projectionKey(task.projection), task.start)
  const merged = applyToWindow(stored, task, life)
  if (!merged) return 'written'
  return whenAside(task, merged, parts, () => table.putWindow(merged.item, stored?.version))
}

async function putSlot(task: Task & { kind: 'slot' }, parts: MergeParts) {
  const { table, life, told } = parts
  const stored = await table.readSlot(projectionKey(task.projection), task.start, task.slot)
  const merged = applyToSlot(stored, task, life)
  if (!merged) return 'written'
  const item = withinSize(merged.item)
  if (item.users.size < merged.item.users.size) told.count('SlotTooLarge', 1)
  return whenAside(task, merged, parts, () => table.putSlot(item, stored?.version))
}

/** Puts the item once what it refused is aside: it holds the order of that, too, so nothing may be lost between the two. */
async function whenAside(task: Task, { refused }: Merged<unknown>, { aside, told }: MergeParts, put: () => Promise<PutResult>) {
  await aside.keep(refused.map(asQuarantined(task)))
  const result = await put()
  if (result === 'written') told.count('EventsQuarantined', refused.length, 'not_merged')
  return result
}
