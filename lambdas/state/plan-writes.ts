import type { Projection } from '../../shared/projection.ts'
import { bySequence } from '../../shared/sequence.ts'
import { byKey, type Contribution, type UserItem } from '../../shared/state.ts'
import { type Refused, type Rules, type Step, type UserRecord, userFold } from './fold-record.ts'

/** One conditional put of the user's item, made after its refused events were put aside. */
export interface Write {
  readonly item: UserItem
  /** The version that the item must still have; undefined: it must not exist. */
  readonly readVersion: number | undefined
  readonly refused: readonly Refused[]
  /** How many of the given records are done once this is written. */
  readonly recordsDone: number
  readonly folded: number
  readonly repeated: number
  readonly late: number
}

const OUT_BYTES = 100_000

/**
 * Folds a user's records, in stream order, into the item as it was read: the writes in the order they must be made.
 * A write is cut between records when what it adds to windows would pass 100 KB.
 */
export function planWrites(user: string, stored: UserItem | undefined, records: readonly UserRecord[], rules: Rules): Write[] {
  const fold = userFold(user, stored, rules)
  const projections = byKey(rules.projections)
  const writes: Write[] = []
  let write: Write | undefined
  for (const [at, record] of records.entries()) {
    if (stored && bySequence(record.seq, stored.seq) <= 0) continue
    const step = fold(record)
    const out = write ? mergeOut(write.item.out, step, projections) : step.contributions
    if (write && outBytes(out) > OUT_BYTES) {
      writes.push(write)
      write = openWrite(step, step.contributions, write.item.version, at + 1)
    } else {
      write = write ? extend(write, step, out, at + 1) : openWrite(step, out, stored?.version, at + 1)
    }
  }
  return write ? [...writes, write] : writes
}

const openWrite = (step: Step, out: readonly Contribution[], readVersion: number | undefined, recordsDone: number): Write => {
  const { item, refused, folded, repeated, late } = step
  return { item: { ...item, out }, readVersion, refused, recordsDone, folded, repeated, late }
}

const extend = (write: Write, step: Step, out: readonly Contribution[], recordsDone: number): Write => ({
  item: { ...step.item, out },
  readVersion: write.readVersion,
  refused: [...write.refused, ...step.refused],
  recordsDone,
  folded: write.folded + step.folded,
  repeated: write.repeated + step.repeated,
  late: write.late + step.late,
})

/** One contribution a projection and window, under the `ord` of its last record. An erasure drops the earlier ones of the user's own windows. */
function mergeOut(
  out: readonly Contribution[],
  step: Step,
  projections: ReadonlyMap<string, Projection>,
): readonly Contribution[] {
  const erased = step.item.erasedOrd
  const merged = new Map<string, Contribution>()
  for (const contribution of [...out, ...step.contributions]) {
    const projection = projections.get(contribution.projection)
    if (!projection || projection.scope === 'user') continue
    if (projection.scope === 'user window' && contribution.ord <= erased) continue
    const key = `${contribution.projection}#${contribution.start}`
    const before = merged.get(key)
    const state = before ? projection.merge(before.state, contribution.state, { firstOfUser: false }) : contribution.state
    merged.set(key, { ...contribution, state })
  }
  return [...merged.values()]
}

const outBytes = (out: readonly Contribution[]): number => Buffer.byteLength(JSON.stringify(out))
