import type { QuarantineSummary, ReplayOutcome } from '../../shared/quarantine.ts'

import { invoke } from '../invoke.ts'
import { showProgress } from '../progress.ts'
import type { Target } from '../target.ts'

/** Of one call: even with the largest bodies they fit into the function. */
const KEYS_PER_CALL = 100

export interface Totals {
  readonly replayed: number
  readonly refused: number
  /** Why events are refused, the most frequent reason first. */
  readonly reasons: readonly { readonly count: number; readonly code: string; readonly message: string }[]
}

/** Replays the items in their order, or with `dryRun` only asks what would become of them. */
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
