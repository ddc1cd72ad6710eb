import type { QuarantineSummary, ReplayOutcome, ReplayRequest } from '../../shared/quarantine.ts'
import { invoke } from '../invoke.ts'
import { showProgress } from '../progress.ts'
import type { Target } from '../target.ts'

/** Keys per invocation: few enough that the function ends within its time. */
const KEYS_PER_CALL = 100

export interface Totals {
  readonly replayed: number
  readonly refused: number
  /** Events that were replayed or discarded by others since they were listed, or have expired. */
  readonly gone: number
  /** The reasons of the events that were rejected again, most frequent first. */
  readonly reasons: readonly { readonly count: number; readonly code: string; readonly message: string }[]
}

/** Replays the items in the given order. */
export async function replayItems(target: Target, items: readonly QuarantineSummary[]): Promise<Totals> {
  const progress = showProgress('replay', items.length)
  const call = (keys: readonly string[]) => callReplay(target, { keys })
  const outcomes: ReplayOutcome[] = []
  for (let at = 0; at < items.length; at += KEYS_PER_CALL) {
    const keys = items.slice(at, at + KEYS_PER_CALL).map(({ key }) => key)
    outcomes.push(...(await replayAll(keys, call)))
    progress.at(at + keys.length, `${at + keys.length} of ${items.length}`)
  }
  progress.done()
  return totalsOf(outcomes, items.length)
}

export const callReplay = async (target: Target, request: ReplayRequest): Promise<ReplayOutcome[]> =>
  (await invoke(target, target.outputs.ReplayFunction, request)) as ReplayOutcome[]

/** Calls the function again for events of which it has replayed only a part. Returns the last outcome of each event. */
export async function replayAll(
  keys: readonly string[],
  call: (keys: readonly string[]) => Promise<readonly ReplayOutcome[]>,
): Promise<ReplayOutcome[]> {
  const last = new Map<string, ReplayOutcome>()
  for (let left = keys; left.length > 0; ) {
    const outcomes = await call(left)
    for (const outcome of outcomes) last.set(outcome.key, outcome)
    left = outcomes.filter(outcome => outcome.replayed && outcome.remaining !== undefined).map(({ key }) => key)
  }
  return [...last.values()]
}

export function totalsOf(outcomes: readonly ReplayOutcome[], asked: number): Totals {
  const refused = outcomes.filter(outcome => !outcome.replayed)
  const reasons = [...Map.groupBy(refused, ({ code, message }) => JSON.stringify([code, message])).values()].map(same => ({
    count: same.length,
    code: same[0]?.code ?? '',
    message: same[0]?.message ?? '',
  }))
  return {
    replayed: outcomes.length - refused.length,
    refused: refused.length,
    gone: asked - outcomes.length,
    reasons: reasons.sort((a, b) => b.count - a.count),
  }
}
