import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ClosedEngine, openClosedEngine } from '../../../cli/sql/duckdb.ts'
import { eventTypes } from '../../../shared/catalogue.ts'

let folder: string
let engine: ClosedEngine
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-closed-'))
  await mkdir(path.join(folder, 'query'))
  await writeFile(path.join(folder, 'outside.csv'), 'a\n1\n')
  engine = await openClosedEngine(path.join(folder, 'query'), eventTypes, { memoryMebibytes: 96, spillMebibytes: 512 })
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true })
})

const CLOSED = /file system operations are disabled|Loading external extensions is disabled|configuration has been locked/
const outside = (name: string): string => path.join(folder, name)

/** Runs a statement as the engine would if nothing had checked it before. */
const rowsOf = async (sql: string): Promise<unknown[]> => (await engine.run(sql)).getRowsJson()

test.each([
  ['a file of the system', () => "SELECT * FROM read_text('/proc/self/environ')"],
  ['a file outside', () => `SELECT * FROM read_csv('${outside('outside.csv')}')`],
  ['a file outside by its name', () => `SELECT * FROM read_text('${outside('query/objects/../../outside.csv')}')`],
  ['the names of files', () => "SELECT * FROM glob('/proc/*')"],
  ['a database', () => `ATTACH '${outside('new.duckdb')}'`],
  ['COPY TO', () => `COPY (SELECT 1) TO '${outside('written.csv')}'`],
  ['EXPORT', () => `EXPORT DATABASE '${outside('exported')}'`],
  ['LOAD', () => 'LOAD httpfs'],
  ['INSTALL', () => 'INSTALL httpfs'],
  ['a URL', () => "SELECT * FROM read_csv('https://127.0.0.1:9/x.csv')"],
  ['external access', () => 'SET enable_external_access = true'],
  ['another folder', () => "SET allowed_directories = ['/']"],
  ['more memory', () => "SET memory_limit = '64GB'"],
  ['a profile', () => `SET profiling_output = '${outside('profile.json')}'`],
])('the engine itself refuses: %s', async (_, sql) => {
  await expect(rowsOf(sql())).rejects.toThrow(CLOSED)
  for (const name of ['new.duckdb', 'written.csv', 'exported', 'profile.json']) expect(existsSync(outside(name))).toBe(false)
})

test('the environment cannot be read', async () => {
  await expect(rowsOf("SELECT getenv('HOME')")).rejects.toThrow('Scalar Function with name getenv does not exist')
})

test.each([
  "COPY (SELECT 1) TO 'x.csv'",
  "ATTACH 'x.duckdb'",
  'LOAD httpfs',
  'INSTALL httpfs',
  'SET threads = 1',
  'CREATE TABLE t (i INTEGER)',
  'INSERT INTO archive.dropped VALUES (NULL, 1)',
  'DROP VIEW events',
  'PRAGMA database_list',
  'CALL range(1)',
  'EXPLAIN SELECT 1',
  'PIVOT events ON dt',
])('only a SELECT is accepted, not %s', async sql => {
  await expect(engine.parse(sql)).rejects.toThrow(/^Give one SELECT/)
})

test.each(['', ';', 'SELECT 1; SELECT 2', 'SELECT 1; DROP VIEW events'])('one statement is accepted, not %j', async sql => {
  await expect(engine.parse(sql)).rejects.toThrow(/Give one SELECT/)
})

test.each([
  ['selec 1', 'line 1, column 1: syntax error at or near "selec"'],
  ["SELECT 'ü😀' x y", 'line 1, column 15: syntax error at or near "y"'],
])('a syntax error has its position: %s', async (sql, message) => {
  await expect(engine.parse(sql)).rejects.toThrow(message)
})

test.each([
  ["SELECT 'ü😀',\n  foo FROM events", 'line 2, column 3: Referenced column "foo" not found in FROM clause!'],
  ['SELECT 1 FROM evnts', 'line 1, column 15: Table with name evnts does not exist! Did you mean "events"?'],
  ['SELECT $1', 'The query has parameters'],
  ['SELECT ?', 'The query has parameters'],
])('what is wrong in a query is found before anything is read, in one line: %j', async (sql, message) => {
  const error = (await engine.check(sql).catch(each => each)) as Error
  expect(error.message).toContain(message)
  expect(error.message).not.toContain('\n')
})

test('a query that needs too much memory ends with an error of one line', async () => {
  await expect(rowsOf('SELECT length(list(range)) FROM range(100000000)')).rejects.toThrow(
    'The query needs more memory or disk than it may use.',
  )
})

test('a query that sorts more than its memory uses its disk', async () => {
  const rows = 'SELECT repeat(md5(a::VARCHAR), 10) AS p FROM range(400000) r(a) ORDER BY hash(a) LIMIT 300000 OFFSET 10'
  expect(await rowsOf(`SELECT max(length(p)), count(*) FROM (${rows})`)).toEqual([['320', '300000']])
})
