import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { Command, CommanderError } from 'commander'
import { catalogueCommand } from '../../../cli/catalogue.ts'
import { dashboardsCommand } from '../../../cli/dashboards.ts'
import { keysCommand } from '../../../cli/keys.ts'
import { quarantineCommand } from '../../../cli/quarantine.ts'
import { reindexCommand } from '../../../cli/reindex.ts'
import { sendCommand } from '../../../cli/send.ts'
import { showCommand } from '../../../cli/show.ts'
import { simulateCommand } from '../../../cli/simulate.ts'
import { userCommand } from '../../../cli/user.ts'
import { handler as replay } from '../../../lambdas/ingest/replay.lambda.ts'
import { handler as collectFailures } from '../../../lambdas/quarantine/collect-failures.lambda.ts'
import { handler as query } from '../../../lambdas/query/query.lambda.ts'
import { handler as reindex } from '../../../lambdas/search/reindex.lambda.ts'
import { type LocalOutputs, stackOutputs } from '../../../shared/outputs.ts'
import { UserError } from '../../../shared/user-error.ts'
import { DESCRIPTIONS, type Outputs, parsed } from './canonical.ts'
import { type Cloud, newCloud } from './cloud.ts'
import { START, setClock } from './environment.ts'
import { captureOutput } from './log.ts'
import { runReaders } from './pipeline.ts'
import { apiEvent, asEvent, gatewayEvent, ingestFunction } from './requests.ts'

const commands = [
  catalogueCommand,
  dashboardsCommand,
  keysCommand,
  quarantineCommand,
  reindexCommand,
  sendCommand,
  showCommand,
  simulateCommand,
  userCommand,
]

/** What the commands print with --json when they use an API on the loopback and stores in memory. */
export async function runCommands(outputs: Outputs): Promise<void> {
  setClock(START)
  const cloud = newCloud()
  cloud.functions = {
    ReplayFunction: input => replay(input as Parameters<typeof replay>[0]),
    CollectFailuresFunction: input => collectFailures(input),
    ReindexFunction: input => reindex(input as Parameters<typeof reindex>[0]),
  }
  const server = await serve()
  const before = process.cwd()
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-digests-'))
  const progress = process.stderr.write
  process.stderr.write = () => true
  try {
    process.chdir(folder)
    writeOutputs(server)
    await sendAndRead(cloud, outputs)
  } finally {
    process.stderr.write = progress
    process.chdir(before)
    rmSync(folder, { recursive: true })
    server.closeAllConnections()
    server.close()
  }
}

async function sendAndRead(cloud: Cloud, outputs: Outputs): Promise<void> {
  const rows = ['{"Id":1,"Url":"/a","Timestamp":5}', '{"Id":2,"Url":"/b","Timestamp":6,"event_id":"own"}', '{"Id":"x"}', '{bad']
  writeFileSync('rows.jsonl', rows.join('\n'))
  writeFileSync('rows.json', `[${rows.slice(0, 3)}]`)
  await runEach(outputs, 'cli.send', [
    ['send', 'rows.jsonl', '--type', 'page_visit', '--json'],
    ['send', 'rows.jsonl', '--type', 'page_visit', '--json'],
    ['send', 'rows.json', '--type', 'page_visit', '--json', '--rate', '1000'],
    ['send', 'rows.json', '--type', 'nothing', '--json'],
    ['send', 'missing', '--type', 'page_visit', '--json'],
    ...['visits', 'actions', 'users', 'interactions', 'readings'].flatMap(name => [
      ['simulate', name, '--seed', '9', '--count', '150', '--json'],
      ['simulate', name, '--seed', '9', '--count', '30', '--file', `${name}.json`, '--json'],
      ['simulate', name, '--seed', '9', '--count', '30', '--file', `${name}.jsonl`, '--json'],
    ]),
  ])
  const files = ['visits.json', 'visits.jsonl', 'users.json', 'readings.jsonl']
  outputs.add(
    'cli.files',
    files.map(file => [file, readFileSync(file, 'utf8')]),
  )
  await captureOutput(() => runReaders(cloud))
  outputs.add('cli.records', cloud.puts)
  const [first] = (await cloud.quarantined()) as { key?: { S?: string } }[]
  const key = first?.key?.S ?? ''
  await runEach(outputs, 'cli.read', [
    ...['recent-urls', 'user-activity', 'device-minutes', 'country-minutes', 'user-traits', 'nothing'].map(name => [
      'show',
      name,
      '--json',
    ]),
    ...['1', 'device-1', 'nobody'].map(id => ['user', id, '--json']),
    ['quarantine', 'list', '--json'],
    ['quarantine', 'list', '--json', '--limit', '2', '--cursor', key],
    ['quarantine', 'show', key, '--json'],
    ['quarantine', 'show', 'nothing', '--json'],
    ['quarantine', 'replay', '--dry-run', '--json'],
    ['quarantine', 'replay', '--code', 'invalid_event', '--since', '2026-01-01T00:00:00Z', '--json'],
    ['quarantine', 'list', '--json'],
    ['keys', 'list', '--json'],
    ['reindex', 'recent-urls', '--json'],
  ])
  await runEach(outputs, 'cli.catalogue', [['catalogue', '--json']], DESCRIPTIONS)
  const objects = (await run(['dashboards'])).map(line => line as { type?: string; id?: string })
  outputs.add(
    'cli.dashboards',
    objects.map(({ type, id }) => [type, id]),
  )
}

async function runEach(outputs: Outputs, name: string, calls: readonly string[][], dropped?: ReadonlySet<string>): Promise<void> {
  const printed: unknown[] = []
  for (const call of calls) printed.push([call, await run(call)])
  outputs.add(name, printed, dropped)
}

/** The JSON lines that a command prints, without the log lines of functions; 'failure' at the end if it failed. */
async function run(args: readonly string[]): Promise<unknown[]> {
  const program = new Command('millrace').exitOverride()
  for (const addCommand of commands) addCommand(program)
  let failure: unknown[] = []
  const lines = await captureOutput(async () => {
    await program.parseAsync(args, { from: 'user' }).catch((error: Error) => {
      if (!(error instanceof UserError || error instanceof CommanderError)) throw error
      failure = ['failure']
    })
  })
  return [...lines.map(parsed).filter(line => !isLogLine(line)), ...failure]
}

const isLogLine = (line: unknown): boolean => typeof line === 'object' && line !== null && 'milliseconds' in line

function writeOutputs(server: Server): void {
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tables = {
    StateTable: 'state',
    KeysTable: 'keys',
    QuarantineTable: 'quarantine',
    QuarantineBucket: 'aside',
    ReportsTable: 'reports',
    JobsTable: 'jobs',
  }
  const stack = { ...Object.fromEntries(stackOutputs.map(name => [name, name])), ...tables, ApiUrl: apiUrl }
  const outputs: LocalOutputs = {
    apiUrl,
    writeKey: 'good',
    readKey: 'reads',
    adminKey: 'all',
    opensearchUrl: 'http://127.0.0.1:2',
    awsEndpointUrl: 'http://127.0.0.1:1',
    region: 'eu-central-1',
    streamName: 'stream',
    stateTable: 'state',
    archiveBucket: 'archive',
    consoleUrl: `${apiUrl}/`,
    accessKeyId: 'LOCAL',
    secretAccessKey: 'LOCAL',
    stack: stack as LocalOutputs['stack'],
  }
  mkdirSync('.millrace')
  writeFileSync('.millrace/outputs.json', JSON.stringify(outputs))
}

/** An HTTP server on the loopback that calls the functions as the gateway does. */
async function serve(): Promise<Server> {
  const ingest = ingestFunction()
  const server = createServer(async (request, response) => {
    const { statusCode = 200, headers = {}, body = '' } = await respond(request, ingest)
    response.writeHead(statusCode, headers as Record<string, string>).end(body)
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', () => listening()))
  return server
}

async function respond(
  request: IncomingMessage,
  ingest: ReturnType<typeof ingestFunction>,
): Promise<APIGatewayProxyStructuredResultV2> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api')
  const headers = request.headers as Record<string, string>
  if (request.method !== 'GET') return ingest(asEvent({ path: pathname, headers, body: Buffer.concat(chunks) }))
  const [, , kind = '', name = ''] = pathname.split('/').map(decodeURIComponent)
  const route = { projections: '/{name}' }[kind] ?? ''
  const parameters = { pathParameters: { id: name, name }, queryStringParameters: Object.fromEntries(searchParams) }
  return query(apiEvent({ ...gatewayEvent(`GET /v1/${kind}${route}`, parameters), headers, ...parameters }))
}
