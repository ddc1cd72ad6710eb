import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch'
import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler'
import { readCredentials } from '../../localstack/credentials.ts'
import { askServices } from '../../localstack/emulator/aws-calls.ts'
import { neededTypes } from '../../localstack/emulator/needs.ts'
import {
  type Cloud,
  cloudPid,
  cloudSettings,
  cloudUrl,
  installMiniStack,
  startCloud,
  stopCloud,
} from '../../localstack/ministack.ts'
import { localCloud, parts } from '../../localstack/parts.ts'
import type { LocalOutputs } from '../../shared/outputs.ts'
import { type CommandResult, ENTRY } from '../fixtures/command.ts'
import { ownPorts } from '../fixtures/own-ports.ts'
import { makeAuthority } from '../fixtures/private-authority.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { type TlsEmulator, tlsEmulator } from '../fixtures/tls-emulator.ts'

// `up --cloud` with an emulator that was started elsewhere: our own cloud behind TLS with a private certificate authority. It demands
// its access key, lacks services, and serves HTTP APIs under their AWS host names only.
afterAll(async () => {
  await millrace(['down'])
  await emulator?.close()
  await stopCloud(cloud)
})
const folder = temporaryFolder('emulator')
const { ports, variables: ownVariables } = await ownPorts()
const cloud: Cloud = { folder: path.join(folder, 'cloud'), port: ports.cloud, apiPort: ports.api }
const home = path.join(folder, 'home')
const { authority, ...server } = makeAuthority(folder)
let emulator: TlsEmulator

const REAL_ACCOUNT = { AWS_ACCESS_KEY_ID: 'AKIAREALACCOUNT', AWS_SECRET_ACCESS_KEY: 'secret-of-a-real-account' }

/** Runs a command with these AWS_* variables, and with a profile of a real account. */
const millrace = (args: readonly string[], aws: Readonly<Record<string, string>> = {}): Promise<CommandResult> => {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS_|MILLRACE_CLOUD_KEY|NODE_EXTRA_CA_CERTS)/.test(name))
  const env = {
    ...Object.fromEntries(inherited),
    NO_COLOR: '1',
    HOME: home,
    MILLRACE_CACHE: process.env['MILLRACE_CACHE'] ?? path.join(process.env['HOME'] ?? '', '.cache', 'millrace'),
    AWS_PROFILE: 'real',
    ...ownVariables,
    ...aws,
  }
  return new Promise(resolve => {
    execFile(process.execPath, [ENTRY, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    )
  })
}

const up = (aws: Readonly<Record<string, string>> = {}) => millrace(['up', '--detach', '--cloud', emulator.url], aws)

/** The AWS_* variables for the emulator. */
const variables = (): Record<string, string> => {
  const { accessKeyId, secretAccessKey } = readCredentials(cloud.folder)
  return {
    AWS_ENDPOINT_URL: `${emulator.url}/`,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_CA_BUNDLE: authority,
  }
}

const started = () => {
  const local = localCloud(path.join(folder, '.millrace'), ports)
  return parts.filter(({ pid }) => pid(local) !== undefined).map(({ name }) => name)
}

beforeAll(async () => {
  mkdirSync(path.join(home, '.aws'), { recursive: true })
  const profile = `aws_access_key_id = ${REAL_ACCOUNT.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${REAL_ACCOUNT.AWS_SECRET_ACCESS_KEY}\n`
  writeFileSync(path.join(home, '.aws', 'credentials'), `[real]\n${profile}[default]\n${profile}`)
  await startCloud(cloud, await installMiniStack(() => undefined))
  emulator = await tlsEmulator(cloudUrl(cloud), { authority, ...server })
}, 5 * 60_000)

test('the local cloud lacks nothing, and names the types of resources that it does not know', async () => {
  const access = { endpoint: cloudUrl(cloud), credentials: readCredentials(cloud.folder) }
  const { failures, unknownTypes } = await askServices(access, [...neededTypes, 'AWS::Nothing::Here'])
  expect([[...failures], unknownTypes]).toEqual([[], ['AWS::Nothing::Here']])
})

test('a certificate of an unknown authority is refused, in one line that names the variable', async () => {
  const { AWS_CA_BUNDLE, ...without } = variables()
  expect(await up(without)).toEqual({
    code: 1,
    stdout: '',
    stderr: `The certificate of ${emulator.url} is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE). Set AWS_CA_BUNDLE to the PEM file of the emulator's certificate authority.\n`,
  })
})

test.each([
  ['no AWS_ENDPOINT_URL', {}],
  ['another AWS_ENDPOINT_URL', { AWS_ENDPOINT_URL: 'https://localhost:4566' }],
])('credentials with %s are not sent, and the refusal says which variables to set', async (_, endpoint) => {
  emulator.accessKeys.clear()
  expect(await up({ ...REAL_ACCOUNT, ...endpoint, AWS_CA_BUNDLE: authority })).toEqual({
    code: 1,
    stdout: '',
    stderr: `The emulator at ${emulator.url} refuses the access key. Set AWS_ENDPOINT_URL=${emulator.url}, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those that it demands; profiles are not read.\n`,
  })
  expect([...emulator.accessKeys]).toEqual(['test'])
})

test('an emulator without services that nothing works without is refused before anything starts', async () => {
  emulator.lack(['apigateway', 'glue'])
  expect(await up(variables())).toEqual({
    code: 1,
    stdout: '',
    stderr: `The emulator at ${emulator.url} lacks what Millrace needs: Glue (501 NotImplemented), API Gateway v2 (501 NotImplemented). Switch it on there, or omit --cloud.\n`,
  })
  expect(started()).toEqual([])
})

test(
  'the stack is deployed without the resources of services that the emulator lacks, and the output says what does not work',
  async () => {
    emulator.accessKeys.clear()
    emulator.lack(['monitoring', 'scheduler'])
    const { code, stdout, stderr } = await up(variables())
    expect([code, stderr.trim().split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/^Without CloudWatch \(501 NotImplemented\), there are no alarms/),
        expect.stringMatching(/^Without EventBridge Scheduler \(501 NotImplemented\), reports run only with/),
      ],
    ])
    expect(stdout).toContain('The local cloud is running.')
    const behind = cloudSettings({ endpoint: cloudUrl(cloud), credentials: readCredentials(cloud.folder) })
    const { MetricAlarms } = await new CloudWatchClient(behind).send(new DescribeAlarmsCommand({}))
    const { Schedules } = await new SchedulerClient(behind).send(new ListSchedulesCommand({}))
    expect([MetricAlarms, Schedules]).toEqual([[], []])
    expect([...emulator.accessKeys].filter(key => key.startsWith('AKIA'))).toEqual([])
    expect(started()).toEqual(['API', 'OpenSearch'])
  },
  8 * 60_000,
)

test(
  'later commands reach every store without the variables, also by the HTTP API',
  async () => {
    const sent = await millrace(['simulate', 'readings', '--count', '40'])
    const status = await millrace(['status', '--wait', '120', '--json'])
    expect([sent.code, status.stderr, JSON.parse(status.stdout)]).toEqual([
      0,
      '',
      expect.objectContaining({ settled: true, accepted: 40, folded: 40, archived: 40 }),
    ])
    const outputs = JSON.parse(readFileSync(path.join(folder, '.millrace', 'outputs.json'), 'utf8')) as LocalOutputs
    expect(outputs).toMatchObject({ awsEndpointUrl: emulator.url, accessKeyId: readCredentials(cloud.folder).accessKeyId })
  },
  3 * 60_000,
)

test(
  'a second `up` changes nothing; `down` leaves the emulator running',
  async () => {
    expect(await up(variables())).toMatchObject({ code: 0 })
    expect(await millrace(['down'])).toMatchObject({ code: 0 })
    expect([started(), cloudPid(cloud)]).toEqual([[], expect.any(Number)])
  },
  3 * 60_000,
)
