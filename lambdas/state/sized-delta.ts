import { deltaBytes, mostDeltaBytes, type WindowDelta } from '../../shared/state.ts'

/** A delta with its bytes in the item. They are measured only where a quick upper bound does not suffice. */
export class SizedDelta {
  readonly delta: WindowDelta
  readonly most: number
  private measured: number | undefined

  constructor(delta: WindowDelta) {
    this.delta = delta
    this.most = mostDeltaBytes(delta)
  }

  get bytes(): number {
    this.measured ??= deltaBytes(this.delta)
    return this.measured
  }
}

/** Whether the deltas have at most this number of bytes together. */
export function fitInto(limit: number, deltas: Iterable<SizedDelta>): boolean {
  const all = [...deltas]
  return all.reduce((sum, { most }) => sum + most, 0) <= limit || all.reduce((sum, { bytes }) => sum + bytes, 0) <= limit
}
