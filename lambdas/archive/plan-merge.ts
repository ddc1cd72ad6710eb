import type { LedgerDay } from './dynamodb.ts'
import { compactedObjects } from './list-events.ts'
import type { CompactedObject, Manifest } from './manifest.ts'
import type { StoredObject } from './s3.ts'

/** What a step of a merge makes: all rows of a day, or those of one hour. */
export interface MergePart {
  /** The hour of arrival, `00` to `23`. Undefined: the whole day. */
  readonly hour?: string
  /** The objects whose rows are merged, in the order of their arrival. */
  readonly inputs: readonly StoredObject[]
  /** Objects of the run before that become objects of this one as they are. */
  readonly kept: Pick<Manifest, 'objects' | 'repetitions'>
}

/** What a run of a day is to make. A run of several parts stores its plan: its steps are the same whatever arrives meanwhile. */
export interface MergePlan {
  readonly dt: string
  readonly run: string
  /** The day as it was, if it was compacted. */
  readonly before: LedgerDay | undefined
  readonly parts: readonly MergePart[]
  /** The keys of all raw objects that the run replaces, with those that earlier runs replaced. */
  readonly replaced: readonly string[]
  /** When the newest of the inputs was written. */
  readonly modified: number
  /** When the raw objects were listed. */
  readonly listed: number
}

interface Mergeable {
  /** The manifest of the run before. */
  readonly current: Manifest | undefined
  /** The raw objects to add, in the order of arrival. */
  readonly raw: readonly StoredObject[]
  /** A part has no more bytes than this. */
  readonly maxBytes: number
}

/**
 * The parts of a run: the whole day, or, if that is too large, one for each hour. A day that was compacted by hours stays so. Returns
 * undefined if an hour is too large, or a day that was compacted as a whole.
 */
export function planParts({ current, raw, maxBytes }: Mergeable): readonly MergePart[] | undefined {
  const isByHour = current?.objects.some(({ hour }) => hour !== undefined) ?? false
  const day = partOf({ current, raw })
  if (!isByHour && bytesOf(day) <= maxBytes) return [day]
  if (current && !isByHour) return undefined
  const rawByHour = Map.groupBy(raw, ({ key }) => hourOf(key))
  const hours = new Set([...rawByHour.keys(), ...(current?.objects ?? []).map(({ hour = '' }) => hour)])
  const parts = [...hours].sort().map(hour => ({ hour, ...partOf({ current, raw: rawByHour.get(hour) ?? [] }, hour) }))
  return parts.every(part => bytesOf(part) <= maxBytes) ? parts : undefined
}

function partOf({ current, raw }: Omit<Mergeable, 'maxBytes'>, hour?: string): MergePart {
  const isOfPart = (object: CompactedObject): boolean => object.hour === hour
  const own = current && {
    ...current,
    objects: current.objects.filter(isOfPart),
    repetitions: current.repetitions.filter(isOfPart),
  }
  const { objects = [], repetitions = [] } = own ?? {}
  if (raw.length === 0) return { inputs: [], kept: { objects, repetitions } }
  return { inputs: [...(own ? compactedObjects(own) : []), ...raw], kept: { objects: [], repetitions: [] } }
}

/** What a run has replaced, and by what: objects that readers of the day read before and after it. */
export type MergeCounts = Readonly<Record<'objects before' | 'bytes before' | 'objects after' | 'bytes after', number>>

export function mergeCounts(
  { parts }: Pick<MergePlan, 'parts'>,
  { objects, repetitions }: Pick<Manifest, 'objects' | 'repetitions'>,
): MergeCounts {
  const kept = parts.flatMap(part => [...part.kept.objects, ...part.kept.repetitions])
  const before = [...parts.flatMap(({ inputs }) => inputs.map(({ size }) => size)), ...kept.map(({ bytes }) => bytes)]
  const after = [...objects, ...repetitions].map(({ bytes }) => bytes)
  const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0)
  return {
    ...{ 'objects before': before.length, 'bytes before': sum(before) },
    ...{ 'objects after': after.length, 'bytes after': sum(after) },
  }
}

const bytesOf = ({ inputs }: MergePart): number => inputs.reduce((sum, { size }) => sum + size, 0)

/** The hour in the key of a raw object. */
const hourOf = (key: string): string => /\/hour=(\d\d)\//.exec(key)?.[1] ?? ''
