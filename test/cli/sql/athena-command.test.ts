import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { stackOutputs } from '../../../shared/outputs.ts'
import { ENTRY } from '../../fixtures/command.ts'
import { eventually } from '../../fixtures/emulated-cloud.ts'

/** What a stage answers: its outputs, and Athena with a query in a state. */
interface Stage {
  readonly workgroup: string
  readonly state: 'RUNNING' | 'SUCCEEDED'
}

const outputsXml = ({ workgroup }: Stage): string => {
  const outputOf = (name: string): string => ({ ApiUrl: 'https://api.example/', AthenaWorkgroup: workgroup })[name] ?? 'x'
  const members = stackOutputs.map(
    name => `<member><OutputKey>${name}</OutputKey><OutputValue>${outputOf(name)}</OutputValue></member>`,
  )
  return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
}

const answers = ({ state }: Stage): Record<string, object> => ({
  StartQueryExecution: { QueryExecutionId: 'q-1' },
  GetQueryExecution: { QueryExecution: { Status: { State: state }, Statistics: { DataScannedInBytes: 2048 } } },
  StopQueryExecution: {},
  GetQueryResults: {
    ResultSet: {
      ResultSetMetadata: { ColumnInfo: [{ Name: 'n', Type: 'integer' }] },
      Rows: [{ Data: [{ VarCharValue: 'n' }] }, { Data: [{ VarCharValue: '1' }] }],
    },
  },
})

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** Starts the command on an AWS that is a server here. `asked` is what it was asked. */
async function start(stage: Stage, ...args: string[]) {
  const asked: string[] = []
  const answer = async (request: IncomingMessage): Promise<string> => {
    const body = await text(request)
    const [, action = ''] = /^AmazonAthena\.(\w+)$/.exec(String(request.headers['x-amz-target'])) ?? []
    asked.push(action === '' ? (body.split('&')[0] ?? '') : `${action} ${body}`)
    return action === '' ? outputsXml(stage) : JSON.stringify(answers(stage)[action])
  }
  const server = createServer((request, response) => void answer(request).then(body => response.end(body)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closing.push(() => server.close())
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' },
  }
  const child = spawn(process.execPath, [ENTRY, 'sql', '--engine', 'athena', '--stage', 'dev', ...args], { env })
  child.stdin.end()
  const ended = once(child, 'exit').then(([code]) => code as number)
  const all = async () => {
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { stdout, stderr, code }
  }
  return { child, asked, all }
}

test('a query runs in the workgroup of the stage', async () => {
  const { asked, all } = await start({ workgroup: 'millrace-dev', state: 'SUCCEEDED' }, 'SELECT 1 AS n')
  expect(await all()).toEqual({ code: 0, stdout: 'n\n1\n1 row\n', stderr: expect.stringMatching(/^Athena: \d+ s, 2 KB read\n$/) })
  expect(asked.map(each => each.split(' ')[0])).toEqual([
    'Action=DescribeStacks',
    'StartQueryExecution',
    'GetQueryExecution',
    'GetQueryResults',
  ])
  expect(asked[1]).toMatch(/"QueryString":"SELECT 1 AS n",.*"WorkGroup":"millrace-dev"/)
})

test('a stage without Athena says what to do, and a wrong query asks nothing', async () => {
  const without = await start({ workgroup: 'none', state: 'SUCCEEDED' }, 'SELECT 1')
  expect(await without.all()).toEqual({
    code: 1,
    stdout: '',
    stderr:
      "The stage dev has no Athena. Set its reports.engine to 'athena' in infra/settings.ts and deploy, or let DuckDB run the query: without --engine.\n",
  })
  const wrong = await start({ workgroup: 'millrace-dev', state: 'SUCCEEDED' }, 'DROP TABLE x')
  expect(await wrong.all()).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^line 1, column 1: a query cannot begin with DROP\./),
  })
  expect(wrong.asked).toEqual([])
})

test('Ctrl-C stops the query in Athena', async () => {
  const { child, asked, all } = await start({ workgroup: 'millrace-dev', state: 'RUNNING' }, 'SELECT 1')
  const ended = all()
  await eventually('the query', () => asked.some(each => each.startsWith('GetQueryExecution')))
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 130, stdout: '' })
  expect(asked.at(-1)).toBe('StopQueryExecution {"QueryExecutionId":"q-1"}')
})
