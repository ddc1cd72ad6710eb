import type { Runtime, SendResult } from './api.ts'
import type { Batch } from './batches.ts'

/** What `send` and `simulate` report: lines = accepted + quarantined. */
export interface Totals {
  readonly lines: number
  readonly accepted: number
  readonly quarantined: number
}

export const nothing: Totals = { lines: 0, accepted: 0, quarantined: 0 }

export interface Delivery {
  readonly batches: AsyncIterable<Batch>
  post(body: Buffer): Promise<SendResult>
  /** Events a second; undefined: as fast as the API takes them. */
  readonly rate: number | undefined
  readonly runtime: Runtime
  /** What earlier attempts confirmed. */
  readonly before: Totals
  /** Called when a batch is durable, with the totals so far. */
  confirmed(batch: Batch, totals: Totals): Promise<void> | void
}

/** Sends the batches one after another, which keeps the order of a user's events, and adds up the answers. */
export async function deliver({ batches, post, rate, runtime: world, before, confirmed }: Delivery): Promise<Totals> {
  const started = world.now()
  let totals = before
  for await (const batch of batches) {
    if (rate !== undefined) {
      const due = started + ((totals.lines - before.lines) / rate) * 1000
      if (due > world.now()) await world.sleep(due - world.now())
    }
    const answer = await post(batch.body)
    totals = {
      lines: totals.lines + batch.count,
      accepted: totals.accepted + answer.accepted,
      quarantined: totals.quarantined + answer.quarantined.length,
    }
    await confirmed(batch, totals)
  }
  return totals
}
