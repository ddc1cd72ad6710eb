import fc from 'fast-check'
import { readSelect } from '../../../cli/sql/trino-select.ts'
import { trinoTokens } from '../../../cli/sql/trino-tokens.ts'

const VIEWS = new Set(['events', 'page_visit'])
const read = (sql: string) => readSelect(sql, VIEWS)

test.each([
  ['a statement that writes', 'INSERT INTO x SELECT 1', 'line 1, column 1: a query cannot begin with INSERT.'],
  ['UNLOAD', "unload (SELECT 1) TO 's3://x/'", 'line 1, column 1: a query cannot begin with unload.'],
  ['CREATE TABLE AS', 'CREATE TABLE x AS SELECT 1', 'line 1, column 1: a query cannot begin with CREATE.'],
  ['DROP', '-- SELECT 1\n DROP TABLE x', 'line 2, column 2: a query cannot begin with DROP.'],
  ['EXPLAIN', 'EXPLAIN ANALYZE SELECT 1', 'line 1, column 1: a query cannot begin with EXPLAIN.'],
  ['a prepared statement', 'EXECUTE x USING 1', 'line 1, column 1: a query cannot begin with EXECUTE.'],
  ['a function of Lambda', "USING EXTERNAL FUNCTION f(a INT) RETURNS INT LAMBDA 'x' SELECT f(1)", 'cannot begin with USING.'],
  ['a quoted keyword', '"SELECT" 1', 'line 1, column 1: a query cannot begin with "SELECT".'],
  ['an empty query', ' -- nothing\n/* here */ ;', 'The query is empty.'],
  ['a second statement', 'SELECT 1; DROP TABLE x', 'line 1, column 9: a query is one statement.'],
  [
    'a second statement on a line after a comment',
    'SELECT 1 -- a\n; DROP TABLE x',
    'line 2, column 1: a query is one statement.',
  ],
  [
    'a second statement after a string with a quote',
    "SELECT 'it''s' ; DROP TABLE x",
    'line 1, column 16: a query is one statement.',
  ],
  ['a second statement after a backslash', "SELECT '\\'; DROP TABLE x --'", 'line 1, column 11: a query is one statement.'],
  [
    'a second statement after a string of Unicode',
    "SELECT U&'\\0027'; DROP TABLE x",
    'line 1, column 17: a query is one statement.',
  ],
  [
    'a second statement after a name with a comment',
    'SELECT 1 AS "/*" ; DROP TABLE x --*/',
    'line 1, column 18: a query is one statement.',
  ],
  [
    'a second statement after comments in each other',
    'SELECT 1 /* /* */ ; DROP TABLE x -- */',
    'line 1, column 19: a query is one statement.',
  ],
  ['two semicolons', 'SELECT 1;;', 'line 1, column 9: a query is one statement.'],
  ['a string without an end', "SELECT 'a", "line 1, column 8: the quote ' is not closed."],
  ['a name without an end', 'SELECT "a', 'line 1, column 8: the quote " is not closed.'],
  ['a comment without an end', 'SELECT /* 1', 'line 1, column 8: the comment is not closed.'],
  ['backquotes', 'SELECT `a', 'line 1, column 8: the character ` is not available outside of quotes.'],
  ['dollar quotes', 'SELECT $$;$$', 'line 1, column 8: the character $ is not available outside of quotes.'],
  [
    'an opening brace, which makes no comment',
    'SELECT 1 {-- \n',
    'line 1, column 10: the character { is not available outside of quotes.',
  ],
  ['an invisible character', 'SELECT\u00a01', 'line 1, column 7: the character \u00a0 is not available outside of quotes.'],
  ['a null character', 'SELECT 1\0', 'line 1, column 9: the character \0 is not available outside of quotes.'],
  ['a column after an emoji, by code points', "SELECT '😀', `a`", 'line 1, column 13: the character ` is not'],
  [
    'WITH before another statement',
    'WITH a AS (SELECT 1) INSERT INTO x SELECT 1',
    'line 1, column 22: SELECT is expected, not INSERT.',
  ],
  ['WITH before a VALUES', 'WITH a AS (SELECT 1) VALUES 1', 'line 1, column 22: SELECT is expected, not VALUES.'],
  ['WITH FUNCTION', 'WITH FUNCTION f() RETURNS INT RETURN 1 SELECT f()', 'line 1, column 15: AS is expected, not f.'],
  ['WITH without a query', 'WITH a AS SELECT 1', 'line 1, column 11: a query in parentheses is expected, not SELECT.'],
  ['WITH without an end', 'WITH a AS (SELECT 1', 'line 1, column 11: the parenthesis is not closed.'],
  ['WITH without a SELECT', 'WITH a AS (SELECT 1)', 'line 1, column 21: SELECT is expected.'],
  ['WITH with a comma too many', 'WITH a AS (SELECT 1), SELECT 1', 'line 1, column 30: AS is expected, not 1.'],
  ['WITH alone', 'WITH', 'line 1, column 5: after WITH, a name is expected.'],
  [
    'WITH with the name of a view',
    'WITH Events AS (SELECT 1) SELECT 1',
    'line 1, column 6: Events is the name of a view. Choose another one.',
  ],
  [
    'WITH with the quoted name of a view',
    'WITH a AS (SELECT 1),\n"PAGE_visit" AS (SELECT 1) SELECT 1',
    'line 2, column 1: "PAGE_visit" is the name of a view.',
  ],
])('%s is refused', (_, sql, message) => {
  expect(() => read(sql)).toThrow(message)
})

test.each([
  ['SELECT 1', 'SELECT 1', 'none'],
  [' /* ; */ select 1 ; -- ;\n', ' /* ; */ select 1   -- ;\n', 'none'],
  ["SELECT ';', \";\", U&'\\003b', X'3B'", "SELECT ';', \";\", U&'\\003b', X'3B'", 'none'],
  ['WITH a AS (SELECT 1) SELECT * FROM a', '     a AS (SELECT 1) SELECT * FROM a', 'plain'],
  [
    'WITH -- mine\n"a" (n, "m") AS ((SELECT 1, 2)), b AS (SELECT (1)) SELECT 1',
    '     -- mine\n"a" (n, "m") AS ((SELECT 1, 2)), b AS (SELECT (1)) SELECT 1',
    'plain',
  ],
  ['WITH /* a */ RECURSIVE t(n) AS (SELECT 1) SELECT 1', '     /* a */           t(n) AS (SELECT 1) SELECT 1', 'recursive'],
  ['WITH function AS (SELECT 1) SELECT 1', '     function AS (SELECT 1) SELECT 1', 'plain'],
  ['SELECT a[1], (x, y) -> x || y, 1.5e-3, b.* FROM t WHERE a <> 2 AND b != 3 AND c >= 4 % 2', undefined, 'none'],
])('one SELECT stays where it was: %s', (sql, text = sql, own) => {
  expect(read(sql)).toMatchObject({ text, with: own })
})

test('names are found whatever their case and quotes, and not in strings and comments', () => {
  const { names } = read(`SELECT "Page_Visit".Url, 'events' FROM PAGE_VISIT -- events\n/* events */`)
  expect([...names]).toEqual(['select', 'page_visit', 'url', 'from'])
})

test('tokens and what is between them are the whole text', () => {
  const piece = fc.constantFrom(
    "'",
    "''",
    '"',
    '--',
    '/*',
    '*/',
    ';',
    '\n',
    'SELECT',
    'x',
    'U&',
    ' ',
    '1',
    '(',
    ')',
    ',',
    '\\',
    '😀',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const sql = pieces.join('')
      let tokens: ReturnType<typeof trinoTokens>
      try {
        tokens = trinoTokens(sql)
      } catch {
        return
      }
      const between = tokens.map(({ at, text }, n) => [
        sql.slice(at, at + text.length) === text,
        sql.slice(at + text.length, tokens[n + 1]?.at),
      ])
      for (const [isThere, gap] of between) {
        expect(isThere).toBe(true)
        expect(
          String(gap)
            .replace(/\/\*[\s\S]*?\*\/|--[^\n]*/g, '')
            .trim(),
        ).toBe('')
      }
    }),
  )
})
