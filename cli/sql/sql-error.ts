import { UserError } from '../../shared/user-error.ts'

/** An error of DuckDB with the setting `errors_as_json`. */
interface SqlProblem {
  readonly exception_type?: string
  readonly exception_message: string
  readonly position?: string
}

const MAX_CHARACTERS = 300

/** DuckDB counts code points in errors of its parser, and bytes everywhere else. */
type Unit = 'bytes' | 'code points'

/** `line 2, column 7` of a position that DuckDB gives. Columns are counted in code points. */
export function positionIn(sql: string, position: number, unit: Unit): string {
  const before = unit === 'bytes' ? Buffer.from(sql).subarray(0, position).toString() : [...sql].slice(0, position).join('')
  const lines = before.split('\n')
  return `line ${lines.length}, column ${[...(lines.at(-1) ?? '')].length + 1}`
}

/** The beginning of a message, on one line. */
export function oneLine(message: string): string {
  const text = message.replace(/\s+/g, ' ').trim()
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}

/** A problem that DuckDB found, as an error of one line. `sql` is the query; without it, the statement is not that of a person. */
export function problemOf({ exception_type, exception_message, position }: SqlProblem, sql?: string): UserError {
  if (exception_type === 'Out of Memory')
    return new UserError(
      'The query needs more memory or disk than it may use. Read fewer days with --from and --to, or fewer columns.',
    )
  const short = oneLine(exception_message)
  if (position === undefined || sql === undefined) return new UserError(short)
  const unit = exception_type?.toLowerCase() === 'parser' ? 'code points' : 'bytes'
  return new UserError(`${positionIn(sql, Number(position), unit)}: ${short}`)
}

/** What DuckDB threw while it ran a statement, as an error of one line; any other error unchanged. */
export function sqlError(error: unknown, sql?: string): unknown {
  const text = String((error as Error | undefined)?.message ?? '')
  try {
    const problem = JSON.parse(text.slice(text.indexOf('{'))) as SqlProblem
    return typeof problem.exception_message === 'string' ? problemOf(problem, sql) : error
  } catch {
    return error
  }
}
