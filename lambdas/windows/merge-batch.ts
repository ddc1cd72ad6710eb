import pLimit from 'p-limit'
import type { MergeRejection, WindowLifetime } from '../../shared/grain.ts'
import { isNoted } from '../../shared/grains/merge.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { PartItem, RetiredDelta, UserItem } from '../../shared/state.ts'
import { waitText } from '../deployment-wait.ts'
import type { Telemetry } from '../handler.ts'
import { annotateProjectionErrors } from '../projection-errors.ts'
import { redeliveryExpiry } from '../redelivery-expiry.ts'
import { type SettleDependencies, settlePassedOver } from '../settle-passed-over.ts'
import type { StateTable } from '../state/dynamodb.ts'
import type { PutResult } from '../state/dynamodb-access.ts'
import { isUserItem, readItem, type TableChange } from '../state/dynamodb-items.ts'
import { type PartTable, putPart, readPartWithPages } from '../state/dynamodb-parts.ts'
import { withoutExpired } from './expired-deltas.ts'
import { asQuarantined, planWindows, type WindowTask } from './plan-windows.ts'
import { asImages, retiredDeltas } from './retired-deltas.ts'
import { asUnmerged, type UnknownDeltas, type UserImage, unknownDeltas } from './unknown-deltas.ts'

const MAX_ATTEMPTS = 5
const TASKS_AT_ONCE = 32

export interface MergeDependencies {
  readonly table: PartTable &
    Pick<
      StateTable,
      'readUser' | 'readLateness' | 'storeRetired' | 'readRetired' | 'deleteRetired' | 'readPassedOver' | 'markQuarantined'
    >
  readonly quarantine: Quarantine
  readonly projections: readonly Projection[]
  readonly lifetime: WindowLifetime
  /** Users that the item of a slot and each of its pages may remember. Default: MAX_SLOT_USERS. */
  readonly slotUsers?: number
  /** How long a change waits for a projection that a running deployment may bring, in milliseconds. */
  readonly deploymentWaitMs: number
  readonly telemetry: Telemetry
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * Merges the outboxes of the user items in a batch of the table's stream into windows. Throws if a window could not be written,
 * or if newer code may know the projection of a delta, so that the batch is delivered again.
 */
export async function mergeBatch(batch: readonly TableChange[], dependencies: MergeDependencies): Promise<void> {
  const { projections, lifetime, deploymentWaitMs: waitMs, telemetry, now } = dependencies
  const images = batch.flatMap(userImageOf)
  const items = images.map(({ item }) => item)
  const taken = await takeInRetired(dependencies)
  const merged = await mergeAll(items, dependencies)
  const retired = retiredDeltas(items, projections)
  const redelivered = redeliveryExpiry(now(), lifetime.retentionMs)
  await dependencies.table.storeRetired(retired, redelivered)
  await settleAll(items, { ...dependencies, marksExpire: redelivered })
  await settleUnknown(unknownDeltas(images, projections, { now: now(), waitMs }), dependencies)
  telemetry.count('ContributionsMerged', taken + merged)
}

/**
 * Quarantines what the writes passed over. The state function has done it, unless it ended right after a write. If a roll-back
 * comes then, it may not know the types of the events any more, and not read the items again.
 */
async function settleAll(items: readonly UserItem[], dependencies: SettleDependencies): Promise<void> {
  await pLimit(TASKS_AT_ONCE).map(items, item => settlePassedOver(item, dependencies))
}

/**
 * Merges the deltas that code before a roll-back stored because it did not know their projections any more. Newer deltas of the
 * same users must be merged after them. Those whose windows may have expired are quarantined. Returns the number of the others.
 */
async function takeInRetired(dependencies: MergeDependencies): Promise<number> {
  const { table, projections } = dependencies
  let taken = 0
  for (const projection of projections.filter(({ grain }) => grain.parts))
    for (;;) {
      const deltas = await table.readRetired(projectionKey(projection))
      if (deltas.length === 0) break
      const current = await withoutExpired(await withErasures(deltas, table), projection, dependencies)
      taken += await mergeAll(asImages(current), dependencies)
      await table.deleteRetired(deltas)
    }
  return taken
}

/** The deltas with the last erasure of their users, which may be later than the deltas. */
async function withErasures(
  deltas: readonly RetiredDelta[],
  table: Pick<StateTable, 'readUser'>,
): Promise<readonly RetiredDelta[]> {
  const users = [...new Set(deltas.map(({ user }) => user))]
  const items = await pLimit(TASKS_AT_ONCE).map(users, async user => [user, await table.readUser(user)] as const)
  const erasures = new Map(items.map(([user, item]) => [user, item?.erasedOrder ?? 0]))
  return deltas.map(delta => ({ ...delta, erasedOrder: Math.max(delta.erasedOrder, erasures.get(delta.user) ?? 0) }))
}

/** Merges all deltas of these images. Returns the number of deltas. */
async function mergeAll(images: Parameters<typeof planWindows>[0], dependencies: MergeDependencies): Promise<number> {
  const { projections, lifetime, slotUsers } = dependencies
  const tasks = planWindows(images, projections, lifetime, slotUsers)
  const limit = pLimit(TASKS_AT_ONCE)
  await Promise.all(tasks.map(task => limit(() => apply(task, dependencies))))
  return tasks.reduce((total, { deltas }) => total + deltas.length, 0)
}

function userImageOf({ dynamodb }: TableChange): UserImage[] {
  const item = dynamodb?.NewImage && readItem(dynamodb.NewImage)
  return item && isUserItem(item) ? [{ item, changed: (dynamodb?.ApproximateCreationDateTime ?? 0) * 1000 }] : []
}

/**
 * Throws while a deployment may bring the projections that are awaited; then quarantines the deltas that were given up. They are
 * also stored apart: code that knows their projections merges them before newer deltas, which no later replay could do.
 */
async function settleUnknown(
  { awaited, givenUp }: UnknownDeltas,
  { table, quarantine, deploymentWaitMs, telemetry }: MergeDependencies,
): Promise<void> {
  if (awaited.length > 0)
    throw new SafeError(
      `This code does not know the projections ${awaited.join(', ')}. The batch is delivered again for ${waitText(deploymentWaitMs)}, then the deltas are quarantined. Deploy a catalogue that has them.`,
    )
  if (givenUp.length === 0) return
  await table.storeRetired(givenUp)
  await quarantine.add(givenUp.map(delta => asUnmerged(delta, deploymentWaitMs)))
  telemetry.count('EventsQuarantined', givenUp.length, 'not_merged')
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
 * Merges the deltas into the item as it is stored. Its conditional put decides which of them are rejected: those that it notes are
 * quarantined after it. The attempt that wrote an item may have ended before that, so every attempt quarantines what the item notes.
 */
async function mergeInto(task: WindowTask, dependencies: MergeDependencies): Promise<PutResult> {
  const { projection, key } = task
  const { table, quarantine, telemetry } = dependencies
  const { stored, pages } = await readPartWithPages(key, table)
  const quarantineAll = async (some: readonly MergeRejection[]) => {
    if (some.length > 0) await quarantine.add(some.map(asQuarantined))
  }
  await quarantineAll(notedDeltas(task, stored))
  const merged = projection.grain.parts?.merge(projection, stored, { ...task, pages })
  if (!merged) return 'written'
  const { item, rejections, nearlyFull } = merged
  if (nearlyFull) telemetry.count('SlotTooLarge', 1)
  const [noted, others] = partition(rejections, rejection => isNoted(item.passedOver, rejection))
  await quarantineAll(others)
  const result = await putPart({ key, stored }, merged, table)
  if (result === 'conflict') return result
  await quarantineAll(noted)
  countRejections(rejections, telemetry)
  return result
}

/** The deltas of the task that the stored item has rejected before. */
const notedDeltas = ({ deltas }: WindowTask, stored: PartItem | undefined): MergeRejection[] =>
  deltas.filter(delta => isNoted(stored?.passedOver, delta)).map(delta => ({ ...delta, reason: REJECTED_BEFORE }))

const REJECTED_BEFORE = 'An earlier attempt to merge it was rejected.'

function partition<T>(all: readonly T[], isFirst: (each: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter(each => !isFirst(each))]
}

function countRejections(rejections: readonly MergeRejection[], telemetry: Telemetry): void {
  if (rejections.length === 0) return
  telemetry.count('EventsQuarantined', rejections.length, 'not_merged')
  annotateProjectionErrors(
    telemetry,
    rejections.map(({ reason }) => reason),
  )
}
