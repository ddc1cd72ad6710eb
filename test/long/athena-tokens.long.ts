import { rollDice } from '../../cli/simulators/dice.ts'
import { type Token, trinoTokens } from '../../cli/sql/trino-tokens.ts'
import { runWithTrino } from '../fixtures/trino.ts'

const TEXTS = 200_000
const PIECES = [
  ...[
    "'",
    "''",
    '"',
    '""',
    '--',
    '/*',
    '*/',
    '/',
    '*',
    '-',
    ';',
    '\n',
    '\r',
    '\t',
    ' ',
    '.',
    '(',
    ')',
    ',',
    '\\',
    '&',
    '@',
    '#',
    '~',
  ],
  ...[
    '{',
    '}',
    '$',
    '`',
    '<',
    '>',
    '=',
    '!',
    '|',
    '->',
    '<-',
    '=>',
    '?',
    ':',
    '[',
    ']',
    '%',
    '+',
    '^',
    '_',
    '\u00a0',
    '\0',
    'é',
    '😀',
  ],
  ...['SELECT', 'WITH', 'RECURSIVE', 'AS', 'a', 'x', 'X', 'U', 'u&', 'e', '1', '0x'],
]

function randomTexts(): string[] {
  const dice = rollDice(476)
  return Array.from({ length: TEXTS }, () => {
    const pieces = Array.from({ length: dice.integer(1, 10) }, () => dice.oneOf(PIECES))
    return `${dice.happens(2) ? 'SELECT ' : ''}${pieces.join('')}`
  })
}

/** A token with the code points of which it consists. */
interface Placed {
  readonly first: number
  readonly last: number
  readonly kind: string
}

function tokensOf(sql: string): Placed[] | undefined {
  let tokens: Token[]
  try {
    tokens = trinoTokens(sql)
  } catch {
    return undefined
  }
  const codePoints = (at: number): number => [...sql.slice(0, at)].length
  return tokens.map(({ kind, text, at }) => ({
    first: codePoints(at),
    last: codePoints(at + text.length) - 1,
    kind: text === ';' ? 'semicolon' : kind,
  }))
}

const KINDS: Readonly<Record<string, string>> = {
  ...{ STRING: 'string', UNICODE_STRING: 'string', BINARY_LITERAL: 'string', QUOTED_IDENTIFIER: 'name', SEMICOLON: 'semicolon' },
  ...{ UNRECOGNIZED: 'refused', DOLLAR_STRING: 'refused', BACKQUOTED_IDENTIFIER: 'refused' },
}

const readPlaced = (line: string): Placed[] =>
  line === ''
    ? []
    : line.split(' ').map(token => {
        const [, first, last, kind = ''] = /^(\d+)-(\d+):(\w+)$/.exec(token) ?? []
        return { first: Number(first), last: Number(last), kind: KINDS[kind] ?? 'other' }
      })

/** What must be equal: all that is not comment or space, and where strings, quoted names and semicolons are. */
function factsOf(tokens: readonly Placed[]): unknown {
  const covered = tokens.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, n) => first + n))
  return [covered, tokens.filter(({ kind }) => ['string', 'name', 'semicolon', 'refused'].includes(kind))]
}

test(`in every accepted one of ${TEXTS} random texts, Trino's lexer sees the same strings, names, comments and semicolons`, async () => {
  const accepted = randomTexts().flatMap(sql => {
    const tokens = tokensOf(sql)
    return tokens ? [{ sql, tokens }] : []
  })
  const input = accepted.map(({ sql }) => `${Buffer.from(sql).toString('base64')}\n`).join('')
  const lines = (await runWithTrino('test/fixtures/TrinoTokens.java', input)).split('\n')
  expect(lines).toHaveLength(accepted.length + 1)
  expect(accepted.length).toBeGreaterThan(TEXTS / 10)
  const differing = accepted.filter(
    ({ tokens }, at) => JSON.stringify(factsOf(tokens)) !== JSON.stringify(factsOf(readPlaced(lines[at] ?? ''))),
  )
  expect(differing).toEqual([])
  console.log(`${accepted.length} texts accepted`)
}, 600_000)
