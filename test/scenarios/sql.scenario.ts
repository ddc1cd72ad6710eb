import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena'
import { mockClient } from 'aws-sdk-client-mock'
import { dynamodbOf, s3Of } from '../../cli/clients.ts'
import { queryAthena } from '../../cli/sql/athena.ts'
import { queryDuckDb } from '../../cli/sql/duckdb-query.ts'
import { findTarget } from '../../cli/target.ts'
import { archiveLedger } from '../../lambdas/archive/dynamodb.ts'
import { manifestKey, replacedKey, rowsPrefix } from '../../lambdas/archive/manifest.ts'
import { archiveBucket } from '../../lambdas/archive/s3.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { EngineName } from '../../shared/report.ts'
import { ENTRY, millrace, millraceJson } from '../fixtures/command.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { untilSettled } from '../fixtures/thread.ts'
import { byRole } from '../rights/calls-of-aws.ts'
import { type Call, isAllowed } from '../rights/evaluate.ts'
import { type Policy, readStatement } from '../rights/policy.ts'

const folder = temporaryFolder('sql')
const seed = Date.now()
const source = `sql-${seed}`
const today = new Date(seed).toISOString().slice(0, 10)
const yesterday = new Date(seed - 86_400_000).toISOString().slice(0, 10)

/** Orders with an id that begins like a formula, and visits; one of each is sent twice. */
beforeAll(async () => {
  const orders = ['a', 'b', 'c'].map(id => ({
    ...{ type: 'order', source, subject: `u-${id}`, id: `=${id}` },
    data: { country: id === 'c' ? 'Chad' : 'Peru', total: 'TOTAL' },
  }))
  const visits = [1, 2].map(n => ({
    type: 'page_visit',
    source,
    id: `v${n}`,
    data: { Id: seed + n, Url: `/\u001b[31m${n}`, Timestamp: 5 },
  }))
  const lines = [...orders, ...visits, orders[0], visits[0]].map(event =>
    JSON.stringify(event).replace('"TOTAL"', '9007199254740993'),
  )
  const file = path.join(folder, 'events.jsonl')
  await writeFile(file, lines.join('\n'))
  await millraceJson('send', file)
  await untilSettled(120)
})

const sql = (query: string, ...options: string[]) => millrace(['sql', '--from', yesterday, ...options, query])

test('events of any type are counted, each once', async () => {
  const query = `SELECT data->>'$.country' AS country, count(*) AS orders, max((data->>'$.total')::BIGINT) AS total
    FROM events WHERE event_type = 'order' AND source = '${source}' GROUP BY ALL ORDER BY country`
  expect((await sql(query)).stdout).toBe(
    'country  orders             total\nChad          1  9007199254740993\nPeru          2  9007199254740993\n2 rows\n',
  )
  expect((await sql(query, '--json')).stdout).toBe(
    '{"columns":[{"name":"country","type":"VARCHAR"},{"name":"orders","type":"BIGINT"},{"name":"total","type":"BIGINT"}],"rows":[\n' +
      '["Chad",1,9007199254740993],\n["Peru",2,9007199254740993]]}\n',
  )
})

test('a catalogued type has typed columns, and text of clients reaches no terminal unescaped', async () => {
  const { stdout, stderr } = await sql(
    `SELECT id - ${seed} AS n, url, event_time, dt FROM page_visit WHERE source = '${source}' ORDER BY n`,
  )
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    'n  Url           event_time            dt',
    `1  /\\u001b[31m1  1970-01-01T00:00:05Z  ${today}`,
    `2  /\\u001b[31m2  1970-01-01T00:00:05Z  ${today}`,
  ])
  expect(stderr).toMatch(/fetching 100 % (\d+) of \1 objects, (.+) of \2\n$/)
})

test('CSV is for spreadsheets', async () => {
  const { stdout } = await sql(
    `SELECT event_id FROM events WHERE event_type = 'order' AND source = '${source}' ORDER BY ALL`,
    '--csv',
  )
  expect(stdout).toBe("\ufeffevent_id\r\n'=a\r\n'=b\r\n'=c\r\n")
})

test('a query that nothing bounds reads nothing without --all', async () => {
  const query = `SELECT count(*) AS events FROM events WHERE source = '${source}'`
  const refused = await millrace(['sql', query])
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^The query reads all days: \d+ objects? with .* add --all\.\n$/),
  })
  expect((await millrace(['sql', '--all', query])).stdout).toBe('events\n     5\n1 row\n')
  expect((await millrace(['sql', `${query} AND dt < '2001-01-01'`])).stdout).toBe('events\n     0\n1 row\n')
})

test('the examples of the pages run as they are in a shell', async () => {
  const pages = await Promise.all(['docs/sql.md', 'README.md'].map(file => readFile(file, 'utf8')))
  const commands = pages.flatMap(page => [...page.matchAll(/^\$ npx (millrace sql [^"]*".*?")\n(\S+)/gms)])
  expect(commands).toHaveLength(4)
  for (const [, command = '', column] of commands) {
    const run = `millrace() { '${process.execPath}' '${ENTRY}' "$@"; }; ${command}`
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', run])
    expect(stdout).toMatch(new RegExp(`^ *${column}\\b`))
  }
})

const ARNS = { BUCKET: 'arn:aws:s3:::events-archive', TABLE: 'arn:aws:dynamodb:eu-west-1:111122223333:table/ledger' }

const ROLE = 'arn:aws:iam::111122223333:role/analyst'

/** A policy of the page, as the rights of a role. */
async function policyOfPage(engine: EngineName): Promise<Policy> {
  const page = await readFile('docs/sql.md', 'utf8')
  const [forDuckDb, forAthena] = [...page.matchAll(/```json\n(.*?)\n```/gs)].map(([, text = '']) => text)
  const filled = String(engine === 'duckdb' ? forDuckDb : forAthena)
    .replaceAll('arn:aws:s3:::BUCKET', ARNS.BUCKET)
    .replaceAll('arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE', ARNS.TABLE)
    .replaceAll('REGION:ACCOUNT', 'eu-west-1:111122223333')
    .replaceAll('stack/millrace-STAGE/*', 'stack/millrace-dev/*')
    .replaceAll('workgroup/GROUP', 'workgroup/millrace-dev')
    .replaceAll('DATABASE', 'millrace_dev')
  expect(filled).not.toMatch(/[A-Z]{5}/)
  const { Statement } = JSON.parse(filled) as { Statement: Readonly<Record<string, unknown>>[] }
  return { id: 'page', role: ROLE, resources: [], statements: Statement.map(statement => readStatement(statement, String)) }
}

/** The archive of the local cloud, and the calls that are made to read it. */
async function recordedArchive() {
  const calls: Call[] = []
  const target = await findTarget(undefined)
  const [s3, dynamodb] = [s3Of(target), dynamodbOf(target)]
  const record = (command: string | undefined, { Key, Prefix }: { readonly Key?: string; readonly Prefix?: string }): void => {
    if (command === 'QueryCommand') calls.push(byRole(ROLE, 'dynamodb:Query', ARNS.TABLE))
    else if (command === 'GetObjectCommand') calls.push(byRole(ROLE, 's3:GetObject', `${ARNS.BUCKET}/${Key}`))
    else if (command === 'ListObjectsV2Command') calls.push(byRole(ROLE, 's3:ListBucket', ARNS.BUCKET, Prefix))
    else throw new Error(`A query calls ${command}, of which this test does not know the right.`)
  }
  s3.middlewareStack.add((next, { commandName }) => args => {
    record(commandName, args.input as object)
    return next(args)
  })
  dynamodb.middlewareStack.add((next, { commandName }) => args => {
    record(commandName, args.input as object)
    return next(args)
  })
  const { ArchiveBucket, LedgerTable } = target.outputs
  return { calls, archive: { bucket: archiveBucket(ArchiveBucket, s3), ledger: archiveLedger(LedgerTable, dynamodb) } }
}

const get = (key: string): Call => byRole(ROLE, 's3:GetObject', `${ARNS.BUCKET}/${key}`)
const compacted = [manifestKey(today, 'r'), replacedKey(today, 'r'), `${rowsPrefix(today, 'r')}0.parquet`].map(get)
const foreign = ['reports/x', 'errors/x', 'repetitions/dt=2026-01-05/r/0.parquet'].map(get)
const query = { sql: 'SELECT count(*) FROM events', days: {}, all: true }

test('the policy of the page allows what a query calls, and nothing else', async () => {
  const { calls, archive } = await recordedArchive()
  const own = await mkdtemp(path.join(folder, 'query-'))
  await queryDuckDb(query, { eventTypes, folder: own, archive: async () => archive }, async () => {})

  calls.push(...compacted)
  const policy = await policyOfPage('duckdb')
  expect(calls.filter(call => !isAllowed(call, [policy]))).toEqual([])
  const [stack, ...others] = policy.statements
  expect(stack).toMatchObject({
    actions: ['cloudformation:DescribeStacks'],
    resources: [expect.stringMatching(/:stack\/millrace-dev\/\*$/)],
  })
  const isUsed = (at: number): boolean =>
    calls.some(call => !isAllowed(call, [{ ...policy, statements: others.toSpliced(at, 1) }]))
  expect(others.map((_, at) => isUsed(at))).toEqual(others.map(() => true))
  for (const call of foreign) expect(isAllowed(call, [policy])).toBe(false)
  expect(new Set(others.flatMap(({ actions }) => actions))).toEqual(new Set(calls.map(({ action }) => action)))
})

test('the policy for Athena allows what the command reads of the archive before a query', async () => {
  const { calls, archive } = await recordedArchive()
  const client = new AthenaClient({ region: 'any' })
  const athena = mockClient(client)
  athena.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q' })
  athena.on(GetQueryExecutionCommand).resolves({ QueryExecution: { Status: { State: 'SUCCEEDED' } } })
  athena.on(GetQueryResultsCommand).resolves({})
  const stage = { client, workgroup: 'millrace-dev', database: 'millrace_dev', archive }
  const { signal } = new AbortController()
  await queryAthena(query, { eventTypes, signal, stage: async () => stage }, async () => {})

  const policy = await policyOfPage('athena')
  expect(new Set(calls.map(({ action }) => action))).toEqual(new Set(['dynamodb:Query', 's3:ListBucket']))
  expect([...calls, ...compacted].filter(call => !isAllowed(call, [policy]))).toEqual([])
  for (const call of foreign) expect(isAllowed(call, [policy])).toBe(false)
})
