import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Template } from 'aws-cdk-lib/assertions'
import { leaveOut } from '../../infra/leave-out.ts'
import { settingsFor } from '../../infra/settings.ts'
import { credentialsElsewhere } from '../../localstack/credentials.ts'
import { cloudAddress } from '../../localstack/emulator/address.ts'
import { copyCertificates, trustCertificates } from '../../localstack/emulator/certificates.ts'
import { accessProblem } from '../../localstack/emulator/emulator.ts'
import { candidatesOf, findHttpApi } from '../../localstack/emulator/http-api.ts'
import { lacksOf, neededTypes, type Service } from '../../localstack/emulator/needs.ts'
import { stackOf } from '../fixtures/infra-templates.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('emulator-rules')

test.each([
  ['https://127.0.0.1:9297', 'https://127.0.0.1:9297'],
  ['https://127.0.0.1:9297/', 'https://127.0.0.1:9297'],
  ['http://127.12.0.3:4566', 'http://127.12.0.3:4566'],
  ['http://LOCALHOST:4566', 'http://localhost:4566'],
  ['http://[::1]:4566', 'http://[::1]:4566'],
  ['http://127.1:4566', 'http://127.0.0.1:4566'],
])('--cloud %s is %s', (text, address) => {
  expect(cloudAddress(text)).toBe(address)
})

test.each([
  'https://kinesis.eu-west-1.amazonaws.com',
  'http://192.168.1.5:4566',
  'http://0.0.0.0:4566',
  'http://[::]:4566',
  'http://[::ffff:127.0.0.1]:4566',
  'http://localhost.localstack.cloud:4566',
  'http://127.0.0.1.example.com',
  'http://localhost.:4566',
])('--cloud %s is refused, because it is not on this machine', text => {
  expect(() => cloudAddress(text)).toThrow(
    /^--cloud works with an emulator on this machine only, at 127\.0\.0\.1, localhost or \[::1\], not at \S+\. Deploy to an AWS account with `npx cdk deploy -c stage=dev`\.$/,
  )
})

test.each([
  '127.0.0.1:4566',
  'ftp://127.0.0.1',
  'http://127.0.0.1:4566/path',
  'http://127.0.0.1:4566?a=b',
  'http://127.0.0.1#a',
  '',
  'yes',
])('--cloud %j is refused, because it is no URL without a path', text => {
  expect(() => cloudAddress(text)).toThrow(
    `--cloud needs the URL of an emulator without a path, such as https://127.0.0.1:4566, not ${text}.`,
  )
})

test('the password in a URL is not repeated', () => {
  expect(() => cloudAddress('http://user:secret@127.0.0.1:4566')).toThrow(/not http:\/\/127\.0\.0\.1:4566 with a user\.$/)
})

const keys = { AWS_ACCESS_KEY_ID: 'AKIAMINE', AWS_SECRET_ACCESS_KEY: 'secret' }
const any = { accessKeyId: 'test', secretAccessKey: 'test' }
const mine = { accessKeyId: 'AKIAMINE', secretAccessKey: 'secret' }

test.each([
  [{}, any],
  [keys, any],
  [{ ...keys, AWS_ENDPOINT_URL: 'http://127.0.0.1:9297' }, any],
  [{ ...keys, AWS_ENDPOINT_URL: 'https://localhost:9297' }, any],
  [{ ...keys, AWS_ENDPOINT_URL: 'https://127.0.0.1:9297/path' }, any],
  [{ ...keys, AWS_ENDPOINT_URL_S3: 'https://127.0.0.1:9297' }, any],
  [{ AWS_ACCESS_KEY_ID: 'AKIAMINE', AWS_ENDPOINT_URL: 'https://127.0.0.1:9297' }, any],
  [{ AWS_PROFILE: 'mine', AWS_ENDPOINT_URL: 'https://127.0.0.1:9297' }, any],
  [{ ...keys, AWS_ENDPOINT_URL: 'https://127.0.0.1:9297' }, mine],
  [{ ...keys, AWS_ENDPOINT_URL: 'https://127.0.0.1:9297/' }, mine],
  [
    { ...keys, AWS_ENDPOINT_URL: 'https://127.0.0.1:9297', AWS_SESSION_TOKEN: 'token' },
    { ...mine, sessionToken: 'token' },
  ],
  [
    { ...keys, MILLRACE_CLOUD_KEY: 'key' },
    { accessKeyId: 'key', secretAccessKey: 'key' },
  ],
])('with %j, the access key for https://127.0.0.1:9297 is %j', (environment, expected) => {
  expect(credentialsElsewhere('https://127.0.0.1:9297', environment)).toEqual(expected)
})

test.each([
  ['CERT_HAS_EXPIRED', 'is not valid today (CERT_HAS_EXPIRED). Let the emulator make a new one.'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT). Set AWS_CA_BUNDLE to the PEM file'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'Set AWS_CA_BUNDLE'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'is for another name. Use the name in it, such as https://localhost:9.'],
  ['EPROTO', 'does not speak TLS (EPROTO). Use http://127.0.0.1:9,'],
  ['ECONNREFUSED', 'No emulator responds at https://127.0.0.1:9. Start it first, or omit --cloud.'],
  ['ECONNRESET', 'Check the URL, and whether it must begin with https.'],
])('a first call that fails with %s: %s', (code, expected) => {
  const error = new AggregateError([Object.assign(new Error('inner'), { code })])
  const problem = accessProblem('https://127.0.0.1:9', error)
  expect(problem).toContain(expected)
  expect(problem).not.toContain('\n')
})

test('a file without a certificate is refused, with its variable', () => {
  const file = path.join(folder, 'empty.pem')
  writeFileSync(file, 'no certificate')
  for (const name of ['AWS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'])
    for (const value of [file, path.join(folder, 'missing.pem')])
      expect(() => copyCertificates(folder, { [name]: value })).toThrow(
        `${name} is ${value}, which is no file with a certificate. Set it to the PEM file of the emulator's certificate authority.`,
      )
  expect(copyCertificates(folder, { AWS_CA_BUNDLE: '' })).toBeUndefined()
})

test('a damaged certificate is refused', () => {
  const file = path.join(folder, 'damaged.pem')
  writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  expect(() => trustCertificates(file)).toThrow(/damaged\.pem contains a damaged certificate\. Set AWS_CA_BUNDLE to/)
})

const localStack = () => stackOf('local', { settings: settingsFor('local', 'http://127.0.0.1:1') })
const typesOf = (template: Template): string[] => {
  const { Resources } = template.toJSON() as { Resources: Record<string, { Type: string }> }
  return [...new Set(Object.values(Resources).map(({ Type }) => Type))]
}

test('the types that are asked for are those of the stack and of the bootstrap', () => {
  const bootstrap = path.join(
    path.dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json')),
    'lib',
    'api',
    'bootstrap',
  )
  const text = readFileSync(path.join(bootstrap, 'bootstrap-template.yaml'), 'utf8')
  const conditional = ['AWS::KMS::Key', 'AWS::KMS::Alias'] // only with a key of the customer
  const bootstrapTypes = [...text.matchAll(/^ {4}Type: (AWS::\S+)$/gm)].map(([, type]) => String(type))
  expect(bootstrapTypes).toContain('AWS::ECR::Repository')
  const all = [...typesOf(Template.fromStack(localStack())), ...bootstrapTypes]
  expect(neededTypes.toSorted()).toEqual([...new Set(all)].filter(type => !conditional.includes(type)).sort())
})

const answers = (failures: Partial<Record<Service, string>>, unknownTypes: readonly string[] = []) => ({
  failures: new Map(Object.entries(failures)) as ReadonlyMap<Service, string>,
  unknownTypes,
})

test('an emulator with everything lacks nothing', () => {
  expect(lacksOf(answers({}))).toEqual({ missing: [], leftOut: [], notes: [] })
})

test('services without which nothing works are missing, with the reason', () => {
  expect(lacksOf(answers({ Lambda: '501 NotImplemented' }, ['AWS::Glue::Table']))).toEqual({
    missing: ['Lambda (501 NotImplemented)', 'Glue (its CloudFormation does not know AWS::Glue::Table)'],
    leftOut: [],
    notes: [],
  })
})

test.each([
  ['CloudWatch', answers({ CloudWatch: '501 NotImplemented' })],
  ['CloudWatch', answers({}, ['AWS::CloudWatch::Alarm'])],
  ['EventBridge Scheduler', answers({ 'EventBridge Scheduler': '501 NotImplemented' })],
])('without %s, no resource of the stack refers to one that is left out', (service, given) => {
  const { missing, leftOut, notes } = lacksOf(given)
  expect([missing, notes]).toEqual([[], [expect.stringMatching(`^Without ${service} \\(.*\\), .+\\.$`)]])
  const stack = localStack()
  leaveOut(stack, leftOut)
  const template = Template.fromStack(stack)
  expect(leftOut.filter(type => typesOf(template).includes(type))).toEqual([])
  const { Resources, Parameters = {} } = template.toJSON() as Record<string, Record<string, object>>
  const ids = [...Object.keys(Resources ?? {}), ...Object.keys(Parameters)]
  const text = JSON.stringify(template.toJSON())
  const references = [...text.matchAll(/"(?:Ref|Fn::GetAtt)":(?:\[)?"(?!AWS::)(\w+)"/g)].map(([, id]) => id)
  const waitedFor = Object.values(Resources ?? {}).flatMap(resource => (resource as { DependsOn?: string[] }).DependsOn ?? [])
  expect(references.length).toBeGreaterThan(100)
  expect([...references, ...waitedFor].filter(id => !ids.includes(String(id)))).toEqual([])
})

test('the HTTP API is looked for below a path, under its host name, and at its own URL if that is on this machine', () => {
  expect(candidatesOf('https://127.0.0.1:1', 'https://abc.execute-api.us-east-1.amazonaws.com')).toEqual([
    { url: 'https://127.0.0.1:1/_aws/execute-api/abc/$default' },
    { url: 'https://127.0.0.1:1', host: 'abc.execute-api.us-east-1.amazonaws.com' },
  ])
  expect(candidatesOf('https://127.0.0.1:1', 'http://localhost:2/apis/abc/')).toEqual([
    { url: 'https://127.0.0.1:1/apis/abc', host: 'localhost:2' },
    { url: 'http://localhost:2/apis/abc' },
  ])
})

test('an HTTP API is found by the answer of our function only', async () => {
  let body = '{"message":"not ours"}'
  const server = createServer(({ url }, response) => void response.end(url === '/apis/abc/v1/health' ? body : '')).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(findHttpApi(endpoint, `${endpoint}/apis/abc`, 'key')).rejects.toThrow(
    `The emulator at ${endpoint} deployed the stack, but GET /v1/health does not answer at ${endpoint}/apis/abc with the host`,
  )
  body = '{"ok":false,"stores":{}}'
  expect(await findHttpApi(endpoint, `${endpoint}/apis/abc`, 'key')).toMatchObject({ url: `${endpoint}/apis/abc` })
  server.close()
})
