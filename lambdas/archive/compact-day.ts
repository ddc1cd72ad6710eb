import { runStart } from '../../shared/report.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { ArchiveLedger, LedgerDay } from './dynamodb.ts'
import type { Partitions } from './glue.ts'
import { rawDays, readReplaced, uncompactedObjects } from './list-events.ts'
import { replacedKey, runOfKey, runPrefixes } from './manifest.ts'
import {
  continueMerge,
  type MergeCursor,
  type MergeDependencies,
  type Merged,
  mergeAtOnce,
  planMerge,
  startMerge,
} from './merge-day.ts'
import { type CompactionRules, daysToVisit, GRACE_MS, isExpired, isSettled, mayDeleteRaw } from './plan-compaction.ts'
import { type MergeCounts, type MergePlan, mergeCounts } from './plan-merge.ts'
import type { ArchiveBucket } from './s3.ts'

export interface CompactionDependencies extends MergeDependencies {
  readonly ledger: ArchiveLedger
  readonly partitions: Partitions
  readonly rules: CompactionRules
}

/** What the compaction of a day did, as counts of the job. */
export type DayCounts = Readonly<Partial<MergeCounts & Record<'days compacted' | 'days too large' | 'days expired', number>>>

/** The days that a compaction visits. */
export async function planDays({ bucket, ledger, rules, now }: CompactionDependencies): Promise<string[]> {
  const [raw, days] = [await rawDays(bucket), await ledger.days()]
  return daysToVisit(raw, days, now(), rules)
}

/** A visit of a day. `next`: what is left of it. */
interface Visit {
  readonly counts: DayCounts
  readonly next?: MergeCursor
}

/**
 * Compacts a closed day, as far as something is left to do: merges the raw objects that no run replaces, moves the partitions of the
 * Glue tables, deletes what nobody reads any more. It may end anywhere, and be repeated: each step begins with what is stored. A day that
 * is too large for the disk takes several calls, one for each hour.
 */
export async function compactDay(dt: string, dependencies: CompactionDependencies, cursor?: MergeCursor): Promise<Visit> {
  if (cursor) return continueDay(cursor, dependencies)
  const { bucket, ledger, rules, now } = dependencies
  const before = await ledger.day(dt)
  if (before?.expired !== undefined) return { counts: await deleteExpired(before, dependencies) }
  if (before && isExpired(dt, now(), rules)) return { counts: await expire(before, dependencies) }
  const listed = now()
  const raw = await uncompactedObjects(dt, before, bucket)
  if (raw.length === 0) {
    if (before && !before.finished) await finish(before, listed, dependencies)
    return { counts: {} }
  }
  const plan = await planMerge({ dt, before, raw, listed, maxBytes: rules.maxBytes }, dependencies)
  if (!plan) return { counts: { 'days too large': 1 } }
  if (plan.parts.length > 1) return { counts: {}, next: await startMerge(plan, dependencies) }
  return finishMerge(plan, await mergeAtOnce(plan, dependencies), dependencies)
}

async function continueDay(cursor: MergeCursor, dependencies: CompactionDependencies): Promise<Visit> {
  const step = await continueMerge(cursor, dependencies)
  if ('next' in step) return { counts: {}, next: step.next }
  return finishMerge(step.plan, step.merged, dependencies)
}

async function finishMerge(plan: MergePlan, { day, manifest }: Merged, dependencies: CompactionDependencies): Promise<Visit> {
  await finish(day, plan.listed, dependencies)
  return { counts: { 'days compacted': 1, ...mergeCounts(plan, manifest) } }
}

/** What follows the switch of the ledger. `listed`: when the raw objects were listed, all of which the run replaces. */
async function finish(merged: LedgerDay, listed: number, dependencies: CompactionDependencies): Promise<void> {
  const { bucket, partitions, rules, now } = dependencies
  let day = merged
  if (day.registered !== day.run) {
    await partitions.point(day.dt, day.run)
    day = await replace(day, { registered: day.run }, dependencies)
  }
  if (!day.settled && isSettled(day.dt, listed, rules)) day = await replace(day, { settled: true }, dependencies)
  const isClean = await deleteEarlierRuns(day, now(), bucket)
  if (!mayDeleteRaw(day, now(), rules)) return
  await bucket.remove(await readReplaced(bucket, day))
  if (isClean) await replace(day, { finished: true }, dependencies)
}

/** Deletes what earlier runs of the day have stored, and runs that never became current. Returns whether nothing of them is left. */
async function deleteEarlierRuns({ dt, run, switched }: LedgerDay, now: number, bucket: ArchiveBucket): Promise<boolean> {
  const stored = (await Promise.all(runPrefixes(dt).map(prefix => bucket.list(prefix)))).flat()
  const others = stored.map(({ key }) => key).filter(key => runOfKey(key) !== run)
  const old = others.filter(key => now - Math.max(switched, runStart(runOfKey(key))) > GRACE_MS)
  await bucket.remove(old)
  return old.length === others.length
}

/** From now on, nobody reads the day. Its objects are deleted later: somebody may be reading them. */
async function expire(day: LedgerDay, dependencies: CompactionDependencies): Promise<DayCounts> {
  await replace(day, { expired: dependencies.now(), finished: undefined }, dependencies)
  return { 'days expired': 1 }
}

async function deleteExpired(day: LedgerDay, dependencies: CompactionDependencies): Promise<DayCounts> {
  const { bucket, partitions, now } = dependencies
  await partitions.remove(day.dt)
  if (now() - (day.expired ?? now()) <= GRACE_MS) return {}
  const stored = (await Promise.all(runPrefixes(day.dt).map(prefix => bucket.list(prefix)))).flat().map(({ key }) => key)
  // The raw objects first: their keys are in one of the others.
  const raw = stored.includes(replacedKey(day.dt, day.run)) ? await readReplaced(bucket, day) : []
  await bucket.remove(raw)
  await bucket.remove(stored)
  await replace(day, { finished: true }, dependencies)
  return {}
}

type Changes = Partial<Pick<LedgerDay, 'registered' | 'settled' | 'expired'>> & { readonly finished?: true | undefined }

async function replace(day: LedgerDay, changes: Changes, { ledger }: CompactionDependencies): Promise<LedgerDay> {
  const next = { ...day, ...changes, version: day.version + 1 } as LedgerDay
  if (await ledger.put(next)) return next
  throw new SafeError(`Another run has changed ${day.dt} meanwhile.`)
}
