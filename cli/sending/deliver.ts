import { formatBytes, MAX_BODY_BYTES } from '../../shared/limits.ts'
import { UserError } from '../../shared/user-error.ts'
import type { Runtime, SendResult } from './api.ts'
import type { Batch } from './batches.ts'
import { halving, type Post } from './halve.ts'
import { addRejected, type RejectedRow, type RejectedRows } from './rejected-rows.ts'

/** The totals that `send` and `simulate` report; lines = accepted + quarantined. */
export interface Totals {
  readonly lines: number
  readonly accepted: number
  /** Includes the rows that are too large for any request: they are only in the file. */
  readonly quarantined: number
  readonly rejected: readonly RejectedRows[]
}

export const nothing: Totals = { lines: 0, accepted: 0, quarantined: 0, rejected: [] }

export interface Delivery {
  readonly batches: AsyncIterable<Batch>
  readonly post: Post
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
  const send = halving(post)
  let totals = before
  for await (const batch of batches) {
    if (rate !== undefined) {
      const due = started + ((totals.lines - before.lines) / rate) * 1000
      if (due > runtime.now()) await runtime.sleep(due - runtime.now())
    }
    totals = add(totals, batch, batch.lines.length > 0 ? await send(batch.body) : { accepted: 0, quarantined: [] })
    await confirmed(batch, totals)
  }
  return totals
}

/** Throws a UserError if the API split the body into other elements than those that were sent. */
function add(before: Totals, batch: Batch, { accepted, quarantined, quarantinedOmitted = 0 }: SendResult): Totals {
  const refused = quarantined.length + quarantinedOmitted
  const counted = accepted + refused
  if (counted !== batch.lines.length)
    throw new UserError(
      `The API counted ${counted} events in a request of ${batch.lines.length}. Deploy the API and the command line from the same version.`,
    )
  const rejected = [...quarantined.map(({ index, code, message }) => ({ code, message, line: batch.lines[index] ?? 0 }))]
  return {
    lines: before.lines + batch.count,
    accepted: before.accepted + accepted,
    quarantined: before.quarantined + refused + batch.oversized.length,
    rejected: addRejected(before.rejected, [...rejected, ...batch.oversized.map(oversizedRow)]),
  }
}

const oversizedRow = (line: number): RejectedRow => ({
  code: 'event_too_large',
  line,
  message: `The row is larger than ${formatBytes(MAX_BODY_BYTES)}, the limit of a request. It was not sent and is only in the file.`,
})
