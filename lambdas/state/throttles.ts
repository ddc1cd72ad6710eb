import type { ThrottlingReason } from '@aws-sdk/client-dynamodb'
import type { UserItem } from '../../shared/state.ts'
import type { Telemetry } from '../handler.ts'
import type { StateTable } from './dynamodb.ts'

interface ReadDependencies {
  readonly table: Pick<StateTable, 'readUsers'>
  readonly telemetry: Telemetry
}

/** What DynamoDB throws when it throttles a call, after the SDK's own retries. */
const THROTTLES: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
])
/** Reasons of DynamoDB are names such as TableWriteKeyRangeThroughputExceeded. */
const REASON = /^[A-Za-z]{1,64}$/

/** Reads the items of users. Those that are not in the map were throttled, or did not fit into the responses. */
export async function readUsers(
  users: readonly string[],
  { table, telemetry }: ReadDependencies,
): Promise<Map<string, UserItem | undefined>> {
  try {
    // Half the price of a consistent read. The put of an old item fails, and the item is then read again, consistently.
    const read = await table.readUsers(users, 'eventual')
    if (read.size < users.length) countThrottled(users.length - read.size, [], telemetry)
    return read
  } catch (error) {
    noteThrottle(error, telemetry, users.length)
    throw error
  }
}

/**
 * Counts folds that ended because DynamoDB throttled a call, and says so in the log line of the batch, which also names the shard.
 * Their records are delivered again.
 */
export function noteThrottle(error: unknown, telemetry: Telemetry, folds = 1): void {
  if (!(error instanceof Error && THROTTLES.has(error.name))) return
  const { ThrottlingReasons, throttlingReasons } = error as Partial<
    Record<'ThrottlingReasons' | 'throttlingReasons', ThrottlingReason[]>
  >
  const reasons = (ThrottlingReasons ?? throttlingReasons ?? []).flatMap(({ reason }) =>
    reason && REASON.test(reason) ? [reason] : [],
  )
  countThrottled(folds, reasons, telemetry)
}

function countThrottled(folds: number, reasons: readonly string[], telemetry: Telemetry): void {
  telemetry.count('FoldsThrottled', folds)
  const why = reasons.length > 0 ? ` (${[...new Set(reasons)].join(', ')})` : ''
  telemetry.annotate('warning', `DynamoDB throttles users of this shard${why}. Their records wait and are delivered again.`)
}
