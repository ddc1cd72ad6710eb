import { UserError } from '../../shared/user-error.ts'
import { nameOf, problemAt, type Token, trinoTokens } from './trino-tokens.ts'

/** One SELECT of a person in Trino's SQL. */
export interface TrinoSelect {
  /** The query with spaces in the place of its first WITH or WITH RECURSIVE and of a last semicolon: all else is where it was. */
  readonly text: string
  /** Every name in it, in lower case: of columns, tables, functions, and keywords. */
  readonly names: ReadonlySet<string>
  readonly with: 'none' | 'plain' | 'recursive'
}

const ONE_SELECT = 'Give one SELECT, which may begin with WITH. Nothing else can run: a query only reads.'

/**
 * Checks that a text is one SELECT, before which common table expressions with the names of `views` can be put. What Trino would
 * refuse may pass; what it would run and is not one SELECT does not. Throws a UserError.
 */
export function readSelect(sql: string, views: ReadonlySet<string>): TrinoSelect {
  const all = trinoTokens(sql)
  const last = all.at(-1)
  const hasEnd = last?.text === ';'
  const tokens = hasEnd ? all.slice(0, -1) : all
  const second = tokens.find(({ text }) => text === ';')
  if (second) throw problemAt(sql, second.at, `a query is one statement. ${ONE_SELECT}`)
  const [first] = tokens
  if (!first) throw new UserError(`The query is empty. ${ONE_SELECT}`)
  const begins = keyword(first)
  if (begins !== 'SELECT' && begins !== 'WITH')
    throw problemAt(sql, first.at, `a query cannot begin with ${first.text}. ${ONE_SELECT}`)
  const replaced = begins === 'WITH' ? withTokens(tokens) : []
  if (begins === 'WITH') checkDefinitions(sql, tokens.slice(replaced.length), views)
  return {
    text: [...replaced, ...(hasEnd && last ? [last] : [])].reduce(blank, sql),
    names: new Set(tokens.flatMap(token => nameOf(token) ?? [])),
    with: (['none', 'plain', 'recursive'] as const)[replaced.length] ?? 'none',
  }
}

const keyword = (token: Token | undefined): string | undefined => (token?.kind === 'word' ? token.text.toUpperCase() : undefined)

/** WITH, or WITH RECURSIVE. */
const withTokens = (tokens: readonly Token[]): readonly Token[] => tokens.slice(0, keyword(tokens[1]) === 'RECURSIVE' ? 2 : 1)

const blank = (sql: string, { at, text }: Token): string =>
  sql.slice(0, at) + ' '.repeat(text.length) + sql.slice(at + text.length)

/** Reads definitions, separated by commas and followed by SELECT. */
function checkDefinitions(sql: string, tokens: readonly Token[], views: ReadonlySet<string>): void {
  let next = afterDefinition(sql, tokens, 0, views)
  while (tokens[next]?.text === ',') next = afterDefinition(sql, tokens, next + 1, views)
  if (keyword(tokens[next]) !== 'SELECT') throw expected('SELECT', sql, tokens[next])
}

/** The place after `NAME [(columns)] AS (query)`, which begins at `start`. */
function afterDefinition(sql: string, tokens: readonly Token[], start: number, views: ReadonlySet<string>): number {
  const token = tokens[start]
  const name = token && nameOf(token)
  if (!token || name === undefined) throw expected('after WITH, a name', sql, token)
  if (views.has(name)) throw problemAt(sql, token.at, `${token.text} is the name of a view. Choose another one.`)
  const columns = start + 1
  const as = tokens[columns]?.text === '(' ? afterParenthesis(sql, tokens, columns) : columns
  if (keyword(tokens[as]) !== 'AS') throw expected('AS', sql, tokens[as])
  if (tokens[as + 1]?.text !== '(') throw expected('a query in parentheses', sql, tokens[as + 1])
  return afterParenthesis(sql, tokens, as + 1)
}

const expected = (what: string, sql: string, token: Token | undefined): UserError =>
  problemAt(sql, token?.at ?? sql.length, `${what} is expected${token ? `, not ${token.text}` : ''}. ${ONE_SELECT}`)

/** The place after the parenthesis that closes the one at `open`. */
function afterParenthesis(sql: string, tokens: readonly Token[], open: number): number {
  let depth = 0
  for (const [at, { text }] of tokens.entries()) {
    if (at < open) continue
    if (text === '(') depth += 1
    if (text === ')') depth -= 1
    if (depth === 0) return at + 1
  }
  throw problemAt(sql, tokens[open]?.at ?? 0, 'the parenthesis is not closed.')
}
