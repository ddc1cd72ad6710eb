import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { type Cloud, cloudSettings, cloudUrl, installMiniStack, startCloud, stopCloud } from '../../localstack/ministack.ts'

type Event = Readonly<Record<string, unknown>>
type Handler = (event: Event) => unknown

/** An emulated cloud of a test's own, with functions whose handlers run in the test. */
export interface EmulatedCloud {
  readonly settings: ReturnType<typeof cloudSettings>
  readonly url: string
  /** Creates a stack and resolves to its outputs when it stands. */
  deploy(name: string, resources: object, outputs?: Record<string, object>): Promise<Record<string, string>>
  /** A CloudFormation function that hands its events to `handler`; what that throws, it throws. */
  fn(name: string, handler: Handler): object
  restart(): Promise<void>
  close(): Promise<void>
}

/** The code of every function: it asks the test what to do. */
const code = (url: string): string => `exports.handler = async event => {
  console.log('called')
  const response = await fetch('${url}', { method: 'POST', body: JSON.stringify(event) })
  const { answer, error } = await response.json()
  if (error) throw new Error(error)
  return answer
}`

export async function emulatedCloud(): Promise<EmulatedCloud> {
  const packages = await installMiniStack(() => undefined)
  const cloud: Cloud = { folder: mkdtempSync(join(tmpdir(), 'millrace-cloud-')), port: await freePort() }
  const handlers = new Map<string, Handler>()
  const puppeteer = createServer(async (incoming, response) => {
    const event = (await json(incoming)) as Event
    const answer = await Promise.resolve()
      .then(() => handlers.get(incoming.url ?? '')?.(event))
      .then(
        value => ({ answer: value ?? null }),
        error => ({ error: String(error) }),
      )
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>(done => puppeteer.listen(0, '127.0.0.1', done))
  const puppeteerUrl = `http://127.0.0.1:${(puppeteer.address() as AddressInfo).port}`
  await startCloud(cloud, packages)
  const settings = cloudSettings(cloudUrl(cloud))
  return {
    settings,
    url: cloudUrl(cloud),
    deploy: (name, resources, outputs = {}) => deployStack(new CloudFormationClient(settings), name, resources, outputs),
    fn: (name, handler) => {
      handlers.set(`/${name}`, handler)
      const Properties = {
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Timeout: 20,
        Role: 'arn:aws:iam::000000000000:role/any',
        Code: { ZipFile: code(`${puppeteerUrl}/${name}`) },
      }
      return { Type: 'AWS::Lambda::Function', Properties }
    },
    restart: async () => {
      await stopCloud(cloud)
      await startCloud(cloud, packages)
    },
    close: async () => {
      await stopCloud(cloud)
      puppeteer.closeAllConnections()
      await new Promise(done => puppeteer.close(done))
      rmSync(cloud.folder, { recursive: true, force: true })
    },
  }
}

async function deployStack(
  client: CloudFormationClient,
  name: string,
  resources: object,
  outputs: Record<string, object>,
): Promise<Record<string, string>> {
  const Outputs = Object.fromEntries(Object.entries(outputs).map(([key, Value]) => [key, { Value }]))
  await client.send(new CreateStackCommand({ StackName: name, TemplateBody: JSON.stringify({ Resources: resources, Outputs }) }))
  return eventually(`the stack ${name} stands`, async () => {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }))
    if (stack?.StackStatus === 'CREATE_IN_PROGRESS') return undefined
    if (stack?.StackStatus !== 'CREATE_COMPLETE') throw new Error(`${name}: ${stack?.StackStatus} ${stack?.StackStatusReason}`)
    return Object.fromEntries((stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]))
  })
}

/** Asks until the answer is neither undefined nor false; throws when it is not within 30 s. */
export async function eventually<T>(what: string, ask: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + 30_000; Date.now() < end; await delay(50)) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
  }
  throw new Error(`Not within 30 s: ${what}`)
}

/** A port that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise(done => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })
