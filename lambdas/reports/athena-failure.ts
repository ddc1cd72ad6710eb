import { SafeError } from '../../shared/safe-error.ts'
import type { EndedQuery } from '../archive/athena.ts'

/** Athena begins a reason with the name of the error. The rest may quote what clients sent. */
const ERROR_NAME = /^[A-Z][A-Z0-9_]{2,63}(?=:)/
const SCAN_LIMIT = /bytes scanned limit/i

/** Why a query has no result, in one line that says what to do. The text of Athena's reason stays with Athena. */
export function queryFailure({ id, state, reason = '' }: Pick<EndedQuery, 'id' | 'state' | 'reason'>): SafeError {
  if (SCAN_LIMIT.test(reason))
    return new SafeError(
      'The query would read more bytes than the stage permits. Raise reports.scanLimit in infra/settings.ts and deploy, or run the report for one day.',
    )
  if (state === 'CANCELLED')
    return new SafeError(`The query ${id} was cancelled. Run the report again if nobody meant to cancel it.`)
  const name = ERROR_NAME.exec(reason)?.[0]
  return new SafeError(
    `Athena failed${name ? ` with ${name}` : ''}. The reason: aws athena get-query-execution --query-execution-id ${id}`,
  )
}

export const tooSlow = (id: string, minutes: number): SafeError =>
  new SafeError(
    `The query ${id} did not end within ${minutes} minutes and was stopped. Run the report for one day, or compact the archive first: millrace compact.`,
  )
