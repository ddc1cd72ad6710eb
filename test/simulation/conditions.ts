import type { Choices } from './choices.ts'
import type { Limits } from './oracle.ts'

export const limits: Limits = { identitySeconds: 15, identityCount: 5, statedSeconds: 1200, latenessMs: 30_000 }
export const memory = {
  seconds: limits.identitySeconds,
  count: limits.identityCount,
  statedSeconds: limits.statedSeconds,
  maxOldPages: 1000,
  /** So small that a few events fill a page of each size. */
  sizes: { item: 2, small: 4, large: 8, index: 2 },
}
export const RETENTION_MS = 20_000
/** Time does not pass while a record has waited this long. */
export const MAX_LAG_MS = 8_000

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** How long changes wait for a projection that a deployment brings. */
export const DEPLOYMENT_WAIT_MS = 15 * MINUTE_MS

/** By how much the clocks of the environments of ingest are ahead, in milliseconds. */
const SKEWS: readonly (readonly number[])[] = [
  [0],
  [0],
  [0, 2 * MINUTE_MS],
  [0, 0, -3 * MINUTE_MS, 16 * MINUTE_MS],
  [0, 2 * DAY_MS, -DAY_MS],
]

/** The faults and inputs of a run, drawn at its beginning. */
export const drawConditions = (choices: Choices) => {
  const hangs = choices.chance(0.15)
  const retryBudgetMs = hangs ? 3000 : choices.pick([Number.POSITIVE_INFINITY, 3000, 3000])
  const isRestless = choices.chance(0.1)
  return { ...drawFaults(choices, hangs), ...(isRestless && drawRestless(choices)), hangs, retryBudgetMs }
}

/** One version of the code often goes on with what another one began, and its users have few later records that would repair it. */
const drawRestless = (choices: Choices) => ({
  crash: choices.pick([0.05, 0.1]),
  zombie: choices.pick([0, 0.1]),
  deploys: true,
  rollsBack: true,
  mostTurns: 6,
  turnWeight: 6,
  addedShare: 0.7,
  brokenShare: 0.2,
  records: 3 + choices.below(8),
})

/** A fold that hangs meets few other faults by chance: they are more likely in these runs. */
const drawFaults = (choices: Choices, hangs: boolean) => ({
  throttled: choices.pick([0, 0.03, 0.15]),
  responseLost: choices.pick([0, 0.03]),
  crash: choices.pick([0, 0.01, 0.05]),
  zombie: choices.pick([0, 0.02, 0.08]),
  heavy: choices.chance(0.1),
  erases: choices.chance(0.35),
  jumps: choices.chance(0.45),
  deploys: choices.chance(hangs ? 0.55 : 0.4),
  records: 4 + choices.below(14),
  skews: choices.pick(SKEWS),
  timedOut: choices.pick([0, 0, 0.03]),
  partial: choices.pick([0, 0.2]),
  replays: choices.chance(hangs ? 0.9 : 0.5),
  /** The JSON type of the states of the projection `sums`. */
  shape: choices.pick(['object', 'array', 'text'] as const),
  /** `merge` and `document` of the projection `sums` throw on some deltas. */
  refusesDeltas: choices.chance(hangs ? 0.8 : 0.35),
  readersFirst: choices.chance(0.5),
  /** Users that a slot of a window and each of its pages remember. */
  slotUsers: choices.pick([20_000, 1, 2]),
  /** `fold`, `merge` and `initial` throw in some of their calls, and a fold adds a number that is another one in each call. */
  impure: choices.chance(0.2),
  /** `initial` of the projection `sums` throws in the code that merges its deltas. */
  throwsInitial: choices.chance(0.08),
  /** `document` throws on some states, in the function that writes documents. */
  refusesDocuments: choices.chance(0.2),
  rollsBack: choices.chance(hangs ? 0.95 : 0.6),
  /** How often a deployment or a roll-back may begin. */
  mostTurns: hangs ? 5 : 3,
  /** How likely the next one is, among the other inputs. */
  turnWeight: 1,
  /** The share of events of the type that only new code folds, in runs with deployments. */
  addedShare: 0.25,
  /** The share of events that no code can fold, in runs with deployments. */
  brokenShare: 0.06,
  /** Whether a mapping gives up a batch that failed. */
  givesUp: choices.pick([0, 0.2]),
  withoutIds: choices.chance(0.5),
  /** The deployment stops half-way, with a new state function, until the other functions gave up what they do not know. */
  stalls: choices.chance(hangs ? 0.75 : 0.6),
  /** More time than a function waits for a projection passes at once, whatever happens. */
  waits: choices.chance(0.2),
})

export type Conditions = ReturnType<typeof drawConditions>
