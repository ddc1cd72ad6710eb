import { formatTable } from '../table.ts'

const EXAMPLES = 3

/** The rows of a file that were rejected with the same code. */
export interface RejectedRows {
  readonly code: string
  readonly count: number
  /** The first rows, with their lines in the file. */
  readonly examples: readonly { readonly line: number; readonly message: string }[]
}

export interface RejectedRow {
  readonly code: string
  readonly line: number
  readonly message: string
}

/** Adds rows to those of earlier batches. */
export function addRejected(before: readonly RejectedRows[], rows: readonly RejectedRow[]): readonly RejectedRows[] {
  const byCode = new Map(before.map(each => [each.code, each]))
  for (const { code, line, message } of rows) {
    const { count, examples } = byCode.get(code) ?? { count: 0, examples: [] }
    const shown = examples.length < EXAMPLES ? [...examples, { line, message }] : examples
    byCode.set(code, { code, count: count + 1, examples: shown })
  }
  return [...byCode.values()]
}

/** The rejections by code, most frequent first, each with its first rows: text for a terminal. Empty without rejections. */
export function formatRejected(rejected: readonly RejectedRows[]): string {
  const rows = rejected
    .toSorted((a, b) => b.count - a.count)
    .flatMap(({ code, count, examples }) =>
      examples.map(({ line, message }, i) => (i === 0 ? { count, code, line, message } : { count: '', code: '', line, message })),
    )
  return rows.length === 0 ? '' : formatTable(rows, ['count', 'code', 'line', 'message'])
}
