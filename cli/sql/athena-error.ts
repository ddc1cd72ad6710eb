import { InvalidRequestException } from '@aws-sdk/client-athena'
import type { EndedQuery } from '../../lambdas/archive/athena.ts'
import { UserError } from '../../shared/user-error.ts'
import type { AthenaStatement } from './athena-views.ts'
import { oneLine } from './sql-error.ts'

type Prefixed = Pick<AthenaStatement, 'linesBefore'>

/** Why a query has no result, in one line with the position in the person's query. */
export function athenaError(
  { id, state, reason = '' }: Pick<EndedQuery, 'id' | 'state' | 'reason'>,
  statement: Prefixed,
): UserError {
  if (/bytes scanned limit/i.test(reason))
    return new UserError(
      'The query would read more than the stage permits. Read fewer days with --from and --to, or fewer columns; or raise reports.scanLimit in infra/settings.ts and deploy.',
    )
  if (state === 'CANCELLED') return new UserError(`The query ${id} was cancelled. Run it again if nobody meant to cancel it.`)
  return problemOf(reason || `Athena gives no reason why the query ${id} has failed. Run it again.`, statement)
}

/** What Athena threw instead of starting a query: an error of one line if the query is wrong, any other error unchanged. */
export const notStarted = (error: unknown, statement: Prefixed): unknown =>
  error instanceof InvalidRequestException ? problemOf(error.message, statement) : error

/** Trino's errors begin with their name and the position in the statement. Columns are counted in code points. */
function problemOf(reason: string, { linesBefore }: Prefixed): UserError {
  const [, line, column, text = ''] = /^(?:[A-Z0-9_]+: )?line (\d+):(\d+): (.*)$/s.exec(reason) ?? []
  if (line === undefined) return new UserError(oneLine(reason))
  if (Number(line) > linesBefore) return new UserError(`line ${Number(line) - linesBefore}, column ${column}: ${oneLine(text)}`)
  return new UserError(
    `The stage does not have what the views read. Deploy it with this version, or use the version that it has. Athena: ${oneLine(text)}`,
  )
}
