import type { Batch } from '../../../infra/settings-types.ts'

interface Queued<Record> {
  /** When the poller of Lambda sees it, in milliseconds. */
  readonly visible: number
  readonly record: Record
}

/**
 * A stream mapping of Lambda for one shard: it polls the shard, waits until a batch is full or its window is over, and invokes the
 * function for one batch at a time.
 */
export class Mapping<Record> {
  invocations = 0
  private queue: Queued<Record>[] = []
  private freeAt = 0
  private readonly size: number
  private readonly windowMs: number
  private readonly pollMs: number
  private readonly invoke: (records: Record[], now: number) => Promise<number>

  /** `invoke` returns the milliseconds that the function ran. */
  constructor({ size, window }: Batch, pollMs: number, invoke: (records: Record[], now: number) => Promise<number>) {
    this.size = size
    this.windowMs = window.toMilliseconds()
    this.pollMs = pollMs
    this.invoke = invoke
  }

  add(record: Record, at: number): void {
    this.queue.push({ visible: Math.ceil(at / this.pollMs) * this.pollMs, record })
  }

  /** When the next batch is due; infinite without one. */
  due(): number {
    const [first] = this.queue
    if (!first) return Number.POSITIVE_INFINITY
    const full = this.queue[this.size - 1]?.visible ?? Number.POSITIVE_INFINITY
    return Math.max(this.freeAt, Math.min(full, first.visible + this.windowMs))
  }

  async run(): Promise<void> {
    const due = this.due()
    const end = this.queue.findIndex(({ visible }, at) => visible > due || at >= this.size)
    const batch = this.queue.splice(0, end === -1 ? this.queue.length : end)
    this.invocations += 1
    this.freeAt =
      due +
      (await this.invoke(
        batch.map(({ record }) => record),
        due,
      ))
  }
}
