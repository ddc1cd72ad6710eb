import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  InvalidRequestException,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena'
import { mockClient } from 'aws-sdk-client-mock'
import type { Format } from '../../../cli/sql/print.ts'
import type { Query } from '../../../cli/sql/sql-engine.ts'
import type { Event } from '../../../shared/event.ts'
import { archiveEvents } from '../../fixtures/reports/folder-archive.ts'
import { runOverFolderInAthena } from '../../fixtures/sql-athena.ts'

const ID = '9a1ed2f5-3b1c-4a57-9d0c-0f6c6a4f3d11'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-sql-athena-'))
  for (const day of ['2026-01-05', '2026-01-06', '2026-01-09']) await archiveEvents(folder, keyOf(day), [eventOn(day)])
})
afterEach(() => rm(folder, { recursive: true }))

const keyOf = (day: string): string => `events/dt=${day}/hour=12/a.parquet`

function eventOn(day: string): Event {
  const received = Date.parse(`${day}T12:00:00Z`)
  return { id: day, source: 's', type: 'order', subject: null, received, time: BigInt(received) * 1000n, data: {} }
}

/** Athena that answers as the API's reference describes, and what it was asked. */
function anAthena() {
  const client = new AthenaClient({ region: 'any' })
  const calls = mockClient(client)
  calls.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: ID })
  const controller = new AbortController()
  const athena = { client, folder, signal: controller.signal }
  return {
    calls,
    controller,
    run: (query: Partial<Query> & { sql: string }, format: Format = 'json') => runOverFolderInAthena(athena, query, format),
    started: () => calls.commandCalls(StartQueryExecutionCommand).map(call => call.args[0].input),
  }
}

const execution = (State: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED', StateChangeReason?: string) => ({
  QueryExecution: {
    QueryExecutionId: ID,
    Status: { State, ...(StateChangeReason !== undefined && { StateChangeReason }) },
    Statistics: { DataScannedInBytes: 3 * 1024 * 1024 },
  },
})

const columns = (...of: readonly (readonly [name: string, type: string])[]) => ({
  ResultSetMetadata: { ColumnInfo: of.map(([Name, Type]) => ({ Name, Type })) },
})
const row = (...values: (string | null)[]) => ({ Data: values.map(value => (value === null ? {} : { VarCharValue: value })) })

/** Athena whose query succeeds with this result, a page of rows at a time. */
function withResult(of: readonly (readonly [name: string, type: string])[], ...pages: (readonly (string | null)[])[][]) {
  const athena = anAthena()
  athena.calls.on(GetQueryExecutionCommand).resolves(execution('SUCCEEDED'))
  for (const [at, page] of pages.entries()) {
    const header = at === 0 ? [row(...of.map(([name]) => name))] : []
    athena.calls.on(GetQueryResultsCommand, { QueryExecutionId: ID, NextToken: at === 0 ? undefined : String(at) }).resolves({
      ResultSet: { ...columns(...of), Rows: [...header, ...page.map(values => row(...values))] },
      ...(at < pages.length - 1 && { NextToken: String(at + 1) }),
    })
  }
  return athena
}

const one = () => withResult([['n', 'bigint']], [['1']])

test('a query runs in the workgroup, which decides everything else, with the views that it names before it', async () => {
  const { run, started } = one()
  const { printed, progress } = await run({ sql: 'SELECT count(*) AS n\nFROM Events;', days: { from: '2026-01-06' } })
  expect(printed).toBe('{"columns":[{"name":"n","type":"BIGINT"}],"rows":[\n[1]]}\n')
  expect(progress).toMatch(/^Athena: \d+ s, 3\.0 MB read\n$/)
  const [input] = started()
  expect(Object.keys(input ?? {})).toEqual(['QueryString', 'WorkGroup'])
  expect(input?.WorkGroup).toBe('millrace-dev')
  expect(input?.QueryString).toMatch(
    /^WITH "events" \(.*\) AS \(\nSELECT .*\)\)? WHERE arrival = 1\)\nSELECT count\(\*\) AS n\nFROM Events $/s,
  )
  expect(input?.QueryString).not.toContain('page_visit')
  expect(input?.QueryString).toContain(
    `FROM "millrace_dev"."events" WHERE (dt BETWEEN '2026-01-06' AND '2026-01-06' OR dt BETWEEN '2026-01-09' AND '2026-01-09')`,
  )
})

test.each([
  ['SELECT 1', /^SELECT 1$/],
  ['WITH a AS (SELECT 1) SELECT * FROM a', /^WITH \n {5}a AS \(SELECT 1\) SELECT \* FROM a$/],
  [
    'WITH a AS (SELECT * FROM page_visit) SELECT 1',
    /^WITH "page_visit" \(.*\) AS \(\n.*\),\n {5}a AS \(SELECT \* FROM page_visit\) SELECT 1$/s,
  ],
  [
    'WITH RECURSIVE a(n) AS (SELECT 1) SELECT n FROM a, "EVENTS"',
    /^WITH RECURSIVE "events" \(.*\) AS \(\n.*\),\n {15}a\(n\) AS \(.*$/s,
  ],
])('the views come before what a query defines itself: %s', async (sql, expected) => {
  const { run, started } = one()
  await run({ sql, all: true })
  expect(started()[0]?.QueryString).toMatch(expected)
})

test('a query that nothing bounds starts nothing without --all', async () => {
  const { run, started } = one()
  await expect(run({ sql: "SELECT * FROM events WHERE dt = DATE '2026-01-05'" })).rejects.toThrow(
    /^The query reads all days: at most 3 objects with \d+ KB, up to the scan limit of the stage\. Bound them with --from and --to, or add --all\./,
  )
  expect(started()).toEqual([])
  await run({ sql: 'SELECT * FROM page_visit', days: { from: '2026-02-01' } })
  await run({ sql: 'SELECT * FROM events', days: { to: '2026-01-05' } })
  await run({ sql: 'SELECT * FROM events', all: true })
  await run({ sql: 'SELECT 1' })
  expect(started()).toHaveLength(4)
})

test('a wrong query asks nothing of the stage', async () => {
  const { run, calls } = one()
  await expect(run({ sql: 'SELECT 1; SELECT 2', all: true })).rejects.toThrow('line 1, column 9: a query is one statement.')
  expect(calls.calls()).toEqual([])
})

const types = [
  ['text', 'varchar'],
  ['n', 'bigint'],
  ['n', 'integer'],
  ['d', 'decimal'],
  ['x', 'double'],
  ['yes', 'boolean'],
  ['at', 'timestamp'],
  ['zoned', 'timestamp with time zone'],
  ['dt', 'date'],
  ['list', 'array'],
] as const
const values = [
  [
    '=1+1',
    '9007199254740993',
    '-1',
    '-0.050',
    '1.0E10',
    'true',
    '2026-01-05 12:00:00.000001',
    '2026-01-05 12:00:00.500 UTC',
    '2026-01-05',
    '[1, 2]',
  ],
  ['', null, null, '5', 'NaN', 'false', '2026-01-05 12:00:00.000', '2026-01-05 12:00:00.000 Asia/Tokyo', null, null],
]

test('results have the types that DuckDB gives, page by page', async () => {
  const { run } = withResult(types, values.slice(0, 1), values.slice(1))
  const [columns = '', ...rows] = (await run({ sql: 'SELECT 1' })).printed.split('\n')
  expect(JSON.parse(`${columns}]}`).columns).toEqual([
    { name: 'text', type: 'VARCHAR' },
    { name: 'n', type: 'BIGINT' },
    { name: 'n:1', type: 'INTEGER' },
    { name: 'd', type: 'DECIMAL' },
    { name: 'x', type: 'DOUBLE' },
    { name: 'yes', type: 'BOOLEAN' },
    { name: 'at', type: 'TIMESTAMP' },
    { name: 'zoned', type: 'TIMESTAMP WITH TIME ZONE' },
    { name: 'dt', type: 'DATE' },
    { name: 'list', type: 'ARRAY' },
  ])
  expect(rows).toEqual([
    '["=1+1",9007199254740993,-1,-0.050,10000000000,true,"2026-01-05T12:00:00.000001Z","2026-01-05T12:00:00.500000Z","2026-01-05","[1, 2]"],',
    '["",null,null,5,null,false,"2026-01-05T12:00:00Z","2026-01-05 12:00:00.000 Asia/Tokyo",null,null]]}',
    '',
  ])
})

test('CSV is safe for spreadsheets, and a table shows numbers on the right', async () => {
  const { run } = withResult(types, values)
  expect((await run({ sql: 'SELECT 1' }, 'csv')).printed).toBe(
    [
      '\ufefftext,n,n:1,d,x,yes,at,zoned,dt,list',
      `'=1+1,9007199254740993,-1,-0.050,10000000000,true,2026-01-05 12:00:00.000001,2026-01-05 12:00:00.500000,2026-01-05,"[1, 2]"`,
      ',,,5,NaN,false,2026-01-05 12:00:00.000000,2026-01-05 12:00:00.000 Asia/Tokyo,,',
      '',
    ].join('\r\n'),
  )
  const table = withResult(
    [
      ['n', 'bigint'],
      ['name', 'varchar'],
    ],
    [
      ['1', '\u001b[31m'],
      ['20', 'b'],
    ],
  )
  expect((await table.run({ sql: 'SELECT 1' }, 'table')).printed).toBe(' n  name\n 1  \\u001b[31m\n20  b\n2 rows\n')
  expect((await withResult([['n', 'bigint']], []).run({ sql: 'SELECT 1' }, 'table')).printed).toBe('n\n0 rows\n')
})

/** A reason of Athena, with a line that is counted from the first of the person's query. */
const failing = async (sql: string, reason: (line: number) => string) => {
  const athena = anAthena()
  athena.calls.on(StartQueryExecutionCommand).callsFake(({ QueryString }) => {
    const before = String(QueryString).split('\n').length - sql.split('\n').length
    athena.calls.on(GetQueryExecutionCommand).resolves(execution('FAILED', reason(before + 1)))
    return { QueryExecutionId: ID }
  })
  return athena.run({ sql, all: true })
}

test.each([
  [
    'SELECT x FROM events',
    0,
    "COLUMN_NOT_FOUND: line FIRST:8: Column 'x'\n cannot be resolved",
    "line 1, column 8: Column 'x' cannot be resolved",
  ],
  ['WITH a AS (SELECT 1)\nSELECT x FROM a', 1, "COLUMN_NOT_FOUND: line FIRST:8: Column 'x'", "line 2, column 8: Column 'x'"],
  ['SELECT 1/0', 0, 'DIVISION_BY_ZERO: Division by zero', 'DIVISION_BY_ZERO: Division by zero'],
  [
    'SELECT x FROM events',
    -3,
    "COLUMN_NOT_FOUND: line FIRST:8: Column 'page_visit_url' cannot be resolved",
    "The stage does not have what the views read. Deploy it with this version, or use the version that it has. Athena: Column 'page_visit_url' cannot be resolved",
  ],
  ['SELECT 1', 0, '', `Athena gives no reason why the query ${ID} has failed. Run it again.`],
])('an error has the position in the query of the person: %s, line %d', async (sql, line, reason, expected) => {
  await expect(failing(sql, first => reason.replace('FIRST', String(first + line)))).rejects.toThrow(
    expect.objectContaining({ name: 'UserError', message: expected }),
  )
})

test.each([
  ['CANCELLED', 'Bytes scanned limit was exceeded', /^The query would read more than the stage permits\..*reports\.scanLimit/],
  ['CANCELLED', 'Query cancelled by user', new RegExp(`^The query ${ID} was cancelled\\.`)],
] as const)('a query that somebody or a limit ends: %s, %s', async (state, reason, expected) => {
  const { run, calls } = anAthena()
  calls.on(GetQueryExecutionCommand).resolvesOnce(execution('RUNNING')).resolves(execution(state, reason))
  await expect(run({ sql: 'SELECT 1' })).rejects.toThrow(expected)
})

test('a query that Athena does not start is an error of one line; other failures are unchanged', async () => {
  const { run, calls } = anAthena()
  const invalid = new InvalidRequestException({ message: "line 1:8: mismatched input 'FROM'", $metadata: {} })
  calls.on(StartQueryExecutionCommand).rejectsOnce(invalid).rejects(new Error('no credentials'))
  await expect(run({ sql: 'SELECT FROM x' })).rejects.toThrow(
    expect.objectContaining({ name: 'UserError', message: "line 1, column 8: mismatched input 'FROM'" }),
  )
  await expect(run({ sql: 'SELECT 1' })).rejects.toThrow(expect.objectContaining({ name: 'Error', message: 'no credentials' }))
})

test('an interrupted query is stopped', async () => {
  const { run, calls, controller } = anAthena()
  calls.on(GetQueryExecutionCommand).callsFake(() => {
    controller.abort()
    return execution('RUNNING')
  })
  await expect(run({ sql: 'SELECT 1' })).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
  expect(calls.commandCalls(StopQueryExecutionCommand).map(call => call.args[0].input)).toEqual([{ QueryExecutionId: ID }])
  expect(calls.commandCalls(GetQueryResultsCommand)).toEqual([])
})

test('a query that is too long for Athena is refused', async () => {
  const { run, started } = one()
  await expect(run({ sql: `SELECT '${'x'.repeat(262_140)}'` })).rejects.toThrow('longer than the 262,144 bytes that Athena takes')
  expect(started()).toEqual([])
})
