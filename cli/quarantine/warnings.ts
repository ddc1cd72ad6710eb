import type { CollectResult, QuarantineSummary } from '../../shared/quarantine.ts'
import type { RejectionCode } from '../../shared/rejections.ts'

const MINUTE_MS = 60_000

/** Codes whose replay cannot count anything in the states. */
const WITHOUT_STATES: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  'not_archived',
  'not_indexed',
  'document_refused',
  'not_merged',
  'changes_unread',
])

const ALONE = 'Replay the others alone with --code, --type, --since or --until.'

/**
 * What a replay of these items may count twice: states recognise an event for `identityMinutes` after they counted it. One sentence
 * for each reason. `now` is in milliseconds since 1970.
 */
export function replayWarnings(items: readonly QuarantineSummary[], identityMinutes: number, now: number): string[] {
  const isForgotten = (time: number | undefined): boolean => time !== undefined && now - time > identityMinutes * MINUTE_MS
  const folded = items.filter(({ code }) => !WITHOUT_STATES.has(code))
  const doubtful = folded.filter(({ mayHaveBeenFolded }) => mayHaveBeenFolded).length
  const brokenOff = folded.filter(({ sentAt }) => isForgotten(sentAt)).length
  const old = folded.filter(({ received }) => isForgotten(received)).length
  const of = `of these ${items.length} events`
  return [
    ...(doubtful > 0 ? [`the states may contain ${doubtful} ${of} already; a replay then counts them twice. ${ALONE}`] : []),
    ...(brokenOff > 0
      ? [
          `an earlier replay of ${brokenOff} ${of} broke off more than ${identityMinutes} minutes ago. Those that it had put into the stream are counted twice. ${ALONE}`,
        ]
      : []),
    ...(old > 0
      ? [
          `${old} ${of} arrived more than ${identityMinutes} minutes ago. One that its sender has sent again meanwhile, and that was counted, is counted twice.`,
        ]
      : []),
  ]
}

/** What the quarantine lacks because it is still in a bucket. One sentence or more for each reason. */
export const collectWarnings = ({ left, late }: Pick<CollectResult, 'left' | 'late'>): string[] => [
  ...(left !== undefined
    ? [`the quarantine does not contain every failure. ${left} What to do: docs/runbook.md#collect-failures-errors.`]
    : []),
  ...(late !== undefined
    ? [
        `more failures wait in the buckets than one run can move, the first is ${late}. Repeat the command later: the function goes on every five minutes.`,
      ]
    : []),
]
