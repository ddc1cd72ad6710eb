import type { Projection } from '../../shared/projection.ts'
import type { WindowDelta } from '../../shared/state.ts'
import { asStored } from '../../shared/stored-json.ts'
import type { RecordFold } from './fold-record.ts'
import { fitInto, SizedDelta } from './sized-delta.ts'

const MAX_OUTBOX_BYTES = 100_000

/** The deltas of a write, one for each projection and window, with the order number of its last record. */
export class Outbox {
  private readonly deltas: Map<string, SizedDelta>
  private readonly erasedOrder: number
  /** The sum of the upper bounds of their bytes. */
  private most = 0

  /** Begins with the deltas of a record. */
  constructor({ deltas, item }: Pick<RecordFold, 'deltas' | 'item'>) {
    this.deltas = new Map(deltas)
    this.erasedOrder = item.erasedOrder
    for (const { most } of deltas.values()) this.most += most
  }

  all(): WindowDelta[] {
    return [...this.deltas.values()].map(({ delta }) => delta)
  }

  /**
   * Merges the deltas of one more record. An erasure drops the user's earlier deltas to the user's own windows. If the deltas need a
   * write of their own, changes nothing and returns false.
   */
  tryMerge({ deltas, item }: Pick<RecordFold, 'deltas' | 'item'>, projections: ReadonlyMap<string, Projection>): boolean {
    try {
      const changes = new Map<string, SizedDelta | undefined>()
      for (const name of this.erasedBy(item.erasedOrder, projections)) changes.set(name, undefined)
      for (const [name, added] of deltas) changes.set(name, this.merged(name, added, projections))
      if (!this.haveRoom(changes)) return false
      this.apply(changes)
      return true
    } catch {
      // The windows function merges the same deltas, and reports what the projection throws.
      return false
    }
  }

  private haveRoom(changes: ReadonlyMap<string, SizedDelta | undefined>): boolean {
    let { most } = this
    for (const [name, after] of changes) most += (after?.most ?? 0) - (this.deltas.get(name)?.most ?? 0)
    if (most <= MAX_OUTBOX_BYTES) return true
    const after = new Map<string, SizedDelta | undefined>([...this.deltas, ...changes]).values()
    return fitInto(
      MAX_OUTBOX_BYTES - '['.length,
      after.filter(each => each !== undefined),
    )
  }

  private apply(changes: ReadonlyMap<string, SizedDelta | undefined>): void {
    for (const [name, after] of changes) {
      this.most += (after?.most ?? 0) - (this.deltas.get(name)?.most ?? 0)
      if (after) this.deltas.set(name, after)
      else this.deltas.delete(name)
    }
  }

  private merged(name: string, added: SizedDelta, projections: ReadonlyMap<string, Projection>): SizedDelta {
    const before = this.deltas.get(name)?.delta.state
    const projection = projections.get(added.delta.projection)
    if (before === undefined || !projection?.grain.parts) return added
    const state = asStored(projection.grain.parts.mergeDeltas(projection, before, added.delta.state), before)
    return new SizedDelta({ ...added.delta, state })
  }

  private erasedBy(erasedOrder: number, projections: ReadonlyMap<string, Projection>): string[] {
    if (erasedOrder <= this.erasedOrder) return []
    const isErased = ({ delta: { projection, order } }: SizedDelta) =>
      projections.get(projection)?.grain.parts?.ofOneUser === true && order <= erasedOrder
    return [...this.deltas].filter(([, each]) => isErased(each)).map(([name]) => name)
  }
}
