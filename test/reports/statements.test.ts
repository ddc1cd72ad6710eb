import { statementsOf } from '../../lambdas/reports/duckdb.ts'
import { describeError } from '../../shared/safe-error.ts'

const sql = statementsOf(
  'a.sql',
  '-- A report.\n-- name: create\nCREATE TABLE a (n INTEGER);\n\n-- name: count\nSELECT count(*) FROM a;\n',
)

test('statements are found by name', () => {
  expect(sql('create').trim()).toBe('CREATE TABLE a (n INTEGER);')
  expect(sql('count').trim()).toBe('SELECT count(*) FROM a;')
})

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('a missing statement is named in the log', () => {
  expect(describeError(thrownBy(() => sql('drop')))).toBe('a.sql has no statement drop.')
})
