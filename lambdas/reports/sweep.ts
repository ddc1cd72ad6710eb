import pLimit from 'p-limit'
import { type Report, reportPrefix } from '../../shared/report.ts'
import type { ArchiveBucket } from '../archive/s3.ts'
import type { ReportsTable } from './dynamodb.ts'
import { type Keep, outdatedPublications, planSweep } from './plan-sweep.ts'

const CONCURRENT_WRITES = 16

interface SweepDependencies {
  readonly archive: Pick<ArchiveBucket, 'list' | 'remove'>
  readonly table: Pick<ReportsTable, 'published' | 'withdraw' | 'unpublished' | 'noteUnpublished' | 'forgetUnpublished'>
}

/** What a sweep did: publications withdrawn, objects deleted. */
export interface Swept {
  readonly withdrawn: number
  readonly deleted: number
}

/**
 * Withdraws the publications that are not kept, and deletes the objects that no publication has referred to for a day. Each step is
 * repeated by the next sweep if this one ends before it.
 */
export async function sweep(
  { name, kind }: Pick<Report, 'name' | 'kind'>,
  { now, keep }: { readonly now: number; readonly keep: Keep },
  { archive, table }: SweepDependencies,
): Promise<Swept> {
  const limit = pLimit(CONCURRENT_WRITES)
  const outdated = kind === 'daily' ? [] : outdatedPublications(await table.published(name), now, keep)
  await limit.map(outdated, publication => table.withdraw(name, publication))
  // The publications are read after the objects: those of a run that publishes in between are referred to.
  const objects = await archive.list(reportPrefix(name))
  const [published, unpublished] = [await table.published(name), await table.unpublished(name)]
  const plan = planSweep({ name, kind }, { objects, published, unpublished }, now)
  await limit.map(plan.note, id => table.noteUnpublished(name, id, now))
  await archive.remove(plan.remove)
  await limit.map(plan.forget, id => table.forgetUnpublished(name, id))
  return { withdrawn: outdated.length, deleted: plan.remove.length }
}
