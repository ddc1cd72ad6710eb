import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import * as z from 'zod/mini'

/** Faults that the proxy injects; an absent part is off. */
export const faultsSchema = z.strictObject({
  /** Responds to the next `times` requests with this status and does not forward them. */
  status: z.optional(z.strictObject({ code: z.int().check(z.gte(400), z.lte(599)), times: z.int().check(z.gte(1)) })),
  /** Closes connections at random: before the request is forwarded, or after the function's response and before the client gets it. */
  cut: z.optional(
    z.strictObject({ when: z.enum(['before', 'after']), probability: z.number().check(z.gte(0), z.lte(1)), seed: z.int() }),
  ),
  /** Delays every request by this many milliseconds. */
  delayMs: z.optional(z.int().check(z.gte(0), z.lte(60_000))),
})

export type Faults = z.output<typeof faultsSchema>

/** The faults of one request. */
export interface RequestFault {
  readonly delayMs: number
  readonly status: number | undefined
  readonly cut: 'before' | 'after' | undefined
}

/** Returns a function that gives the faults of each request, in order of arrival. The same settings give the same sequence. */
export function drawFaults(faults: Faults): () => RequestFault {
  const random = xoroshiro128plus(faults.cut?.seed ?? 0)
  let rejections = faults.status?.times ?? 0
  return () => {
    const isRejected = rejections-- > 0
    const cut = faults.cut && uniformFloat64(random) < faults.cut.probability ? faults.cut.when : undefined
    const delayMs = faults.delayMs ?? 0
    return isRejected ? { delayMs, status: faults.status?.code, cut: undefined } : { delayMs, status: undefined, cut }
  }
}
