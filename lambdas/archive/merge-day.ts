import { SafeError } from '../../shared/safe-error.ts'
import type { ArchiveLedger, LedgerDay } from './dynamodb.ts'
import { readManifest, readReplaced } from './list-events.ts'
import { type Manifest, manifestKey, partKey, planKey, replacedKey } from './manifest.ts'
import { type MergedPart, type MergePartDependencies, mergePart } from './merge-part.ts'
import { type MergePlan, planParts } from './plan-merge.ts'
import type { StoredObject } from './s3.ts'

export interface MergeDependencies extends MergePartDependencies {
  readonly ledger: Pick<ArchiveLedger, 'day' | 'put'>
  /** The id of a run that starts now. */
  newRun(): string
  readonly now: () => number
}

interface Merge {
  readonly dt: string
  /** The day as it is, if it is compacted. */
  readonly before: LedgerDay | undefined
  /** The raw objects to add, in the order of arrival. */
  readonly raw: readonly StoredObject[]
  /** When they were listed. */
  readonly listed: number
  readonly maxBytes: number
}

/** Where a merge of several parts continues. Its plan and the parts that it has made are stored under the run. */
export interface MergeCursor {
  readonly dt: string
  readonly run: string
  /** The next part. The last step comes after all parts. */
  readonly part: number
  readonly parts: number
}

/** What a run that is current now has made. */
export interface Merged {
  readonly day: LedgerDay
  readonly manifest: Manifest
}

/** The plan of a new run, or undefined if the disk could not hold it. */
export async function planMerge(
  { before, maxBytes, ...merge }: Merge,
  { bucket, newRun }: MergeDependencies,
): Promise<MergePlan | undefined> {
  const { raw } = merge
  const current = before && (await readManifest(bucket, before))
  const parts = planParts({ current, raw, maxBytes })
  if (!parts) return undefined
  const replaced = [...(before ? await readReplaced(bucket, before) : []), ...raw.map(({ key }) => key)]
  const modified = Math.max(current?.modified ?? 0, ...raw.map(object => object.modified))
  return { dt: merge.dt, run: newRun(), before, parts, replaced, modified, listed: merge.listed }
}

/** Makes the parts of a plan one by one, and makes the run current. */
export async function mergeAtOnce(plan: MergePlan, dependencies: MergeDependencies): Promise<Merged> {
  const merged: MergedPart[] = []
  for (const part of plan.parts) merged.push(await mergePart(plan, part, dependencies))
  return switchTo(plan, merged, dependencies)
}

/** Stores a plan of several parts, which `continueMerge` makes in steps. */
export async function startMerge(plan: MergePlan, { bucket }: MergeDependencies): Promise<MergeCursor> {
  await bucket.putNew(planKey(plan.dt, plan.run), JSON.stringify(plan))
  return { dt: plan.dt, run: plan.run, part: 0, parts: plan.parts.length }
}

/**
 * One step of a merge: makes a part, or, after all parts, makes the run current and returns what it has made. It may end anywhere, and
 * be repeated.
 */
export async function continueMerge(
  cursor: MergeCursor,
  dependencies: MergeDependencies,
): Promise<{ readonly plan: MergePlan } & ({ readonly next: MergeCursor } | { readonly merged: Merged })> {
  const { bucket } = dependencies
  const { dt, run, part } = cursor
  const plan = JSON.parse(await bucket.text(planKey(dt, run))) as MergePlan
  const wanted = plan.parts[part]
  if (!wanted) {
    const keys = plan.parts.map((_, at) => partKey(dt, run, at))
    const parts = await Promise.all(keys.map(async key => JSON.parse(await bucket.text(key)) as MergedPart))
    return { plan, merged: await switchTo(plan, parts, dependencies) }
  }
  const key = partKey(dt, run, part)
  const isMade = (await bucket.list(key)).length > 0
  if (!isMade) await bucket.putNew(key, JSON.stringify(await mergePart(plan, wanted, dependencies)))
  return { plan, next: { ...cursor, part: part + 1 } }
}

/**
 * One write of the ledger makes the run current. Before it, nobody reads what the run has stored; after it, nobody reads the objects
 * that the run replaces. Throws if somebody else has changed the day meanwhile.
 */
async function switchTo(plan: MergePlan, merged: readonly MergedPart[], dependencies: MergeDependencies): Promise<Merged> {
  const { ledger, now } = dependencies
  const { dt, run, before, replaced, modified } = plan
  const objects = merged.flatMap(part => part.objects)
  const sum = objects.reduce((all, { identities }) => all + BigInt(identities), 0n)
  const manifest: Manifest = {
    ...{ dt, run, objects, modified, replaced: replaced.length },
    repetitions: merged.flatMap(part => part.repetitions),
    identities: { count: objects.reduce((all, { rows }) => all + rows, 0), sum: String(BigInt.asUintN(64, sum)) },
  }
  await putUnlessStored(replacedKey(dt, run), JSON.stringify(replaced), dependencies)
  await putUnlessStored(manifestKey(dt, run), JSON.stringify(manifest), dependencies)
  const { settled: _, finished: __, ...kept } = before ?? { version: 0, compacted: now() }
  const day: LedgerDay = { ...kept, dt, run, version: kept.version + 1, switched: now() }
  if (await ledger.put(day)) return { day, manifest }
  // A step that ended after its write is repeated.
  const stored = await ledger.day(dt)
  if (stored?.run === run) return { day: stored, manifest }
  throw new SafeError(`Another run has compacted ${dt} meanwhile.`)
}

/** The step that stored it may have ended before the switch. */
async function putUnlessStored(key: string, text: string, { bucket }: MergeDependencies): Promise<void> {
  if ((await bucket.list(key)).length === 0) await bucket.putNew(key, text)
}
