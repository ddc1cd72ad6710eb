import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import * as z from 'zod/mini'

/** Faults that a test asks of the proxy; each part is off when it is missing. */
export const faultsSchema = z.strictObject({
  /** Answers the next `times` requests with this status and does not forward them. */
  status: z.optional(z.strictObject({ code: z.int().check(z.gte(400), z.lte(599)), times: z.int().check(z.gte(1)) })),
  /** Cuts connections at random: before the request is forwarded, or after the function answered and before the client hears of it. */
  cut: z.optional(
    z.strictObject({ when: z.enum(['before', 'after']), probability: z.number().check(z.gte(0), z.lte(1)), seed: z.int() }),
  ),
  /** Holds every request back for so long. */
  delayMs: z.optional(z.int().check(z.gte(0), z.lte(60_000))),
})

export type Faults = z.output<typeof faultsSchema>

/** What happens to one request. */
export interface RequestFault {
  readonly delayMs: number
  readonly status: number | undefined
  readonly cut: 'before' | 'after' | undefined
}

/** Deals out the fates of requests, in the order they come; the same faults give the same fates. */
export function drawFaults(faults: Faults): () => RequestFault {
  const random = xoroshiro128plus(faults.cut?.seed ?? 0)
  let refusals = faults.status?.times ?? 0
  return () => {
    const refused = refusals-- > 0
    const cut = faults.cut && uniformFloat64(random) < faults.cut.probability ? faults.cut.when : undefined
    return { delayMs: faults.delayMs ?? 0, status: refused ? faults.status?.code : undefined, cut: refused ? undefined : cut }
  }
}
