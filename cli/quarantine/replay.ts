import type { QuarantineSummary, ReplayOutcome } from '../../shared/quarantine.ts'
import { invoke } from '../invoke.ts'
import { showProgress } from '../progress.ts'
import type { Target } from '../target.ts'

/** Keys per invocation: few enough that the function's memory holds their events, even with the largest bodies. */
const KEYS_PER_CALL = 100

export interface Totals {
  readonly replayed: number
  readonly refused: number
  /** The reasons of the events that were rejected again, most frequent first. */
  readonly reasons: readonly { readonly count: number; readonly code: string; readonly message: string }[]
}

/** Replays the items in the given order. With `dryRun` it only reports the outcome. */
export async function replayItems(target: Target, items: readonly QuarantineSummary[], dryRun: boolean): Promise<Totals> {
  const progress = showProgress('replay', items.length)
  const outcomes: ReplayOutcome[] = []
  for (let at = 0; at < items.length; at += KEYS_PER_CALL) {
    const keys = items.slice(at, at + KEYS_PER_CALL).map(({ key }) => key)
    outcomes.push(...((await invoke(target, target.outputs.ReplayFunction, { keys, dryRun })) as ReplayOutcome[]))
    progress.at(at + keys.length, `${at + keys.length} of ${items.length}`)
  }
  progress.done()
  return totalsOf(outcomes)
}

export function totalsOf(outcomes: readonly ReplayOutcome[]): Totals {
  const refused = outcomes.filter(outcome => !outcome.replayed)
  const reasons = [...Map.groupBy(refused, ({ code, message }) => JSON.stringify([code, message])).values()].map(same => ({
    count: same.length,
    code: same[0]?.code ?? '',
    message: same[0]?.message ?? '',
  }))
  return {
    replayed: outcomes.length - refused.length,
    refused: refused.length,
    reasons: reasons.sort((a, b) => b.count - a.count),
  }
}
