import type { Choices } from './choices.ts'
import type { Limits } from './oracle.ts'

export const limits: Limits = { identityMs: 15_000, identityCount: 5, latenessMs: 30_000 }
export const RETENTION_MS = 20_000
/** Time does not pass while a record has waited this long. */
export const MAX_LAG_MS = 8_000

/** The faults and inputs of a run, drawn at its beginning. `knownFaults`: also those that the product does not withstand yet. */
export const drawConditions = (choices: Choices, knownFaults: boolean) => ({
  knownFaults,
  throttled: choices.pick([0, 0.03, 0.15]),
  responseLost: choices.pick([0, 0.03]),
  crash: choices.pick([0, 0.01, 0.05]),
  zombie: choices.pick([0, 0.02, 0.08]),
  heavy: choices.chance(0.1),
  erases: choices.chance(0.35),
  jumps: choices.chance(0.4),
  deploys: choices.chance(0.15),
  records: 3 + choices.below(14),
  retryBudgetMs: Number.POSITIVE_INFINITY,
  replays: false,
})

export type Conditions = ReturnType<typeof drawConditions>
