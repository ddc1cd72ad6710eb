import { UserError } from '../../shared/user-error.ts'
import { positionIn } from './sql-error.ts'

export interface Token {
  /** `string` also stands for binary strings and strings of Unicode; `name` is a quoted name. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'symbol'
  readonly text: string
  /** Where it begins: units of UTF-16. */
  readonly at: number
}

/** The order matters: a prefix of a string is not a word, and a comment not two symbols. */
const KINDS = {
  space: /[ \t\r\n]+|--[^\r\n]*|\/\*[\s\S]*?\*\//y,
  string: /(?:[uU]&|[xX])?'(?:[^']|'')*'/y,
  name: /"(?:[^"]|"")*"/y,
  word: /[A-Za-z_][A-Za-z0-9_]*/y,
  number: /\d[A-Za-z0-9_]*/y,
  symbol: /!=|[()[\],.+*%=<>|:?;^/-]/y,
} as const

/**
 * The tokens of a statement in Trino's SQL, without spaces and comments. Throws a UserError for everything whose end Trino might see
 * elsewhere: what is not closed, backquotes, dollar quotes, braces, and characters that have no meaning outside of quotes.
 */
export function trinoTokens(sql: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < sql.length) {
    const [kind, text] = tokenAt(sql, at)
    if (kind !== 'space') tokens.push({ kind, text, at })
    at += text.length
  }
  return tokens
}

function tokenAt(sql: string, at: number): readonly [kind: Token['kind'] | 'space', text: string] {
  if (sql.startsWith('/*', at) && !sql.includes('*/', at + 2)) throw problemAt(sql, at, 'the comment is not closed.')
  for (const [kind, pattern] of Object.entries(KINDS)) {
    pattern.lastIndex = at
    const text = pattern.exec(sql)?.[0]
    if (text !== undefined) return [kind as Token['kind'] | 'space', text]
  }
  const character = String.fromCodePoint(sql.codePointAt(at) ?? 0)
  if (character === "'" || character === '"') throw problemAt(sql, at, `the quote ${character} is not closed.`)
  throw problemAt(sql, at, `the character ${character} is not available outside of quotes.`)
}

/** An error with the position of a token or a character, in units of UTF-16. */
export const problemAt = (sql: string, at: number, problem: string): UserError =>
  new UserError(`${positionIn(sql, Buffer.byteLength(sql.slice(0, at)), 'bytes')}: ${problem}`)

/** The name that a token stands for, in lower case as Trino compares it; undefined if it is no name. */
export function nameOf({ kind, text }: Token): string | undefined {
  if (kind === 'word') return text.toLowerCase()
  return kind === 'name' ? text.slice(1, -1).replaceAll('""', '"').toLowerCase() : undefined
}
