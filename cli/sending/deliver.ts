import type { Runtime, SendResult } from './api.ts'
import type { Batch } from './batches.ts'

/** The totals that `send` and `simulate` report; lines = accepted + quarantined. */
export interface Totals {
  readonly lines: number
  readonly accepted: number
  readonly quarantined: number
}

export const nothing: Totals = { lines: 0, accepted: 0, quarantined: 0 }

export interface Delivery {
  readonly batches: AsyncIterable<Batch>
  post(body: Buffer): Promise<SendResult>
  /** Events per second; undefined for no limit. */
  readonly rate: number | undefined
  readonly runtime: Runtime
  /** The totals that earlier runs confirmed. */
  readonly before: Totals
  /** Called after the API has confirmed a batch, with the totals so far. */
  confirmed(batch: Batch, totals: Totals): Promise<void> | void
}

/** Sends the batches one after another, to keep the order of each user's events. Returns the sum of the results. */
export async function deliver({ batches, post, rate, runtime, before, confirmed }: Delivery): Promise<Totals> {
  const started = runtime.now()
  let totals = before
  for await (const batch of batches) {
    if (rate !== undefined) {
      const due = started + ((totals.lines - before.lines) / rate) * 1000
      if (due > runtime.now()) await runtime.sleep(due - runtime.now())
    }
    const result = await post(batch.body)
    totals = {
      lines: totals.lines + batch.count,
      accepted: totals.accepted + result.accepted,
      quarantined: totals.quarantined + result.quarantined.length,
    }
    await confirmed(batch, totals)
  }
  return totals
}
