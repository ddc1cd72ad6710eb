import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { ENTRY, millrace } from '../../fixtures/command.ts'
import { eventually } from '../../fixtures/emulated-cloud.ts'
import { rowsOfJson } from '../../fixtures/sql.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const folder = temporaryFolder('sql-command')

/** Starts the command with a temporary folder of its own. */
function start(name: string, ...args: string[]) {
  const temporary = path.join(folder, name)
  mkdirSync(temporary)
  const child = spawn(process.execPath, [ENTRY, 'sql', ...args], { cwd: folder, env: { ...process.env, TMPDIR: temporary } })
  const ended = once(child, 'exit').then(([code]) => code as number)
  return { child, ended, left: () => readdirSync(temporary).filter(file => file.startsWith('millrace-sql-')) }
}

const NO_CLOUD = 'The local cloud is not running. Start it with `npx millrace up`.\n'

test.each([
  ['a day that does not exist', ['--from', '2026-02-30', 'SELECT 1'], 2, 'It must be a day, such as 2026-01-31.'],
  ['two formats', ['--csv', '--json', 'SELECT 1'], 2, "option '--csv' cannot be used with option '--json'"],
  ['two queries', ['--file', 'x.sql', 'SELECT 1'], 2, 'Give a query or --file, not both.\n'],
  ['a file that does not exist', ['--file', 'x.sql'], 1, 'x.sql cannot be read (ENOENT). Check its name and its permissions.\n'],
  ['a mistake, before the cloud is asked', ['SELECT x FROM events'], 1, 'line 1, column 8: Referenced column "x" not found'],
  ['a control character', ['SELECT \u001b'], 1, 'line 1, column 8: syntax error at or near "\\u001b"\n'],
  ['no cloud', ['FROM events'], 1, NO_CLOUD],
  ['an engine that does not exist', ['--engine', 'spark', 'SELECT 1'], 2, 'Allowed choices are duckdb, athena.'],
  ['Athena without a stage', ['--engine', 'athena', 'SELECT 1'], 2, 'The local cloud has no Athena. Name a stage with --stage,'],
])('%s: exit code and one line', async (_, args, code, line) => {
  const ended = await millrace(['sql', ...args], folder)
  expect([ended.code, ended.stdout]).toEqual([code, ''])
  expect(ended.stderr).toContain(line)
})

test('what needs no event needs no cloud', async () => {
  const described = await millrace(['sql', '--json', 'DESCRIBE page_visit'], folder)
  expect(rowsOfJson(described.stdout)).toContainEqual(expect.objectContaining({ column_name: 'Url', column_type: 'VARCHAR' }))
})

test('the query is read from a file', async () => {
  await writeFile(path.join(folder, 'query.sql'), '-- one row\nSELECT 1 AS n;\n')
  expect(await millrace(['sql', '--file', 'query.sql'], folder)).toMatchObject({ code: 0, stdout: 'n\n1\n1 row\n' })
})

test('the query is read from standard input', async () => {
  const { child, ended, left } = start('stdin', '--json')
  child.stdin.end('SELECT 2 AS n')
  expect([await text(child.stdout), await ended, left()]).toEqual([
    '{"columns":[{"name":"n","type":"INTEGER"}],"rows":[\n[2]]}\n',
    0,
    [],
  ])
})

test('a reader that ends early ends the command without an error', async () => {
  const { child, ended, left } = start('head', '--csv', 'SELECT * FROM range(10000000)')
  child.stdin.end()
  child.stdout.once('data', () => child.stdout.destroy())
  expect([await text(child.stderr), await ended, left()]).toEqual(['', 0, []])
})

test('Ctrl-C ends a query, and deletes its folder', async () => {
  const { child, ended, left } = start(
    'interrupted',
    'SELECT count(*) FROM range(1000000) a, range(10000000) b WHERE a.range = b.range + 1.5',
  )
  child.stdin.end()
  await eventually('the folder of the query', () => left().length > 0)
  child.kill('SIGINT')
  expect([await ended, left()]).toEqual([130, []])
})

test('a temporary folder whose name DuckDB would take for a pattern is refused in one line', async () => {
  const { child, ended, left } = start('a [1]', 'SELECT 1')
  child.stdin.end()
  expect([await text(child.stderr), await ended, left()]).toEqual([
    expect.stringMatching(
      /^The temporary folder .*a \[1\] has a wildcard of DuckDB in its name\. Set TMPDIR to another one\.\n$/,
    ),
    1,
    [],
  ])
})

test('a temporary folder may have a quote in its name', async () => {
  const { child, ended } = start("it's", '--json', 'SELECT 1 AS n')
  child.stdin.end()
  expect([await text(child.stdout), await ended]).toEqual(['{"columns":[{"name":"n","type":"INTEGER"}],"rows":[\n[1]]}\n', 0])
})
