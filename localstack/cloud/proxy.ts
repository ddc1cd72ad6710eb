// The local API for clients: a host without a path, in front of the emulated HTTP API. It runs as a separate process.
import { once } from 'node:events'
import { type Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConsoleKeys, exchangeCode, isCodeRequest } from './console-code.ts'
import { drawFaults, type Faults, faultsSchema } from './faults.ts'
import { agentFor, respondWith, sendBack, sendOn } from './forward.ts'
import { isFromPage, isLocal } from './local-requests.ts'

// The limits of API Gateway for HTTP APIs.
const MAX_BODY_BYTES = 10 * 2 ** 20
const MAX_HEADER_BYTES = 10_240
const INTEGRATION_MS = 30_000

/** Ports and target of the proxy. */
interface Settings {
  readonly apiPort: number
  readonly faultsPort: number
  /** The URL of the emulated stage, without a trailing slash. */
  readonly target: string
  /** The Host by which the cloud knows the stage; absent: the client's. */
  readonly host?: string | undefined
  /** The access key of the cloud. */
  readonly accessKey: string
  /** Where the console's keys and the codes for them are. */
  readonly console: ConsoleKeys
}

/** Starts the API and, on a second port, the server that sets faults (PUT) and removes them (DELETE). */
export async function startProxy({
  apiPort,
  faultsPort,
  target,
  host,
  accessKey,
  console,
}: Settings): Promise<readonly Server[]> {
  let drawFault = drawFaults({})
  // Closes idle connections before the cloud does after 75 s: a request on a connection that is just closing would fail.
  const agent = agentFor(target, { keepAlive: true, maxSockets: 64, timeout: 60_000 })
  const api = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 75_000 }, (incoming, response) => {
    if (!isLocal(incoming)) return reject(response, 403)
    if (isCodeRequest(incoming)) return void exchangeCode(incoming, response, console)
    const { delayMs, status, cut } = drawFault()
    void (async () => {
      if (delayMs > 0) await delay(delayMs)
      if (cut === 'before') incoming.socket.destroy()
      else if (status !== undefined) reject(response, status)
      else await forward(incoming, response, { agent, target, host, accessKey, cut: cut === 'after' })
    })().catch(() => incoming.socket.destroy())
  })
  const faults = createServer((incoming, response) => {
    if (!isLocal(incoming) || isFromPage(incoming) || !presentsKey(incoming, accessKey))
      return respondWith(response, 403, FAULTS_REFUSED)
    void readFaults(incoming).then(
      settings => {
        drawFault = drawFaults(settings)
        response.writeHead(204).end()
      },
      error => response.writeHead(400).end(`${error.message}\n`),
    )
  })
  api.listen(apiPort, '127.0.0.1')
  faults.listen(faultsPort, '127.0.0.1')
  await Promise.all([once(api, 'listening'), once(faults, 'listening')])
  return [api, faults]
}

/** A program presents the access key of the cloud as in a call of AWS, or as a bearer token. */
const presentsKey = ({ headers: { authorization = '' } }: IncomingMessage, accessKey: string): boolean =>
  accessKey !== '' && (authorization === `Bearer ${accessKey}` || authorization.includes(` Credential=${accessKey}/`))

async function readFaults(incoming: IncomingMessage): Promise<Faults> {
  if (incoming.method === 'DELETE') return {}
  if (incoming.method !== 'PUT') throw new Error('Use PUT to set faults, or DELETE to remove them.')
  return faultsSchema.parse(await json(incoming))
}

interface Route {
  readonly agent: Agent
  readonly target: string
  readonly host: string | undefined
  readonly accessKey: string
  /** Close the connection instead of sending the response. */
  readonly cut: boolean
}

/** Forwards a request and streams the response back, both byte for byte. */
async function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  { agent, target, host, accessKey, cut }: Route,
): Promise<void> {
  const { headers, url = '/', socket } = incoming
  if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) return reject(response, 413)
  const received = await sendOn(incoming, response, {
    agent,
    url: `${target}${url}`,
    timeoutMs: INTEGRATION_MS,
    headers: {
      ...(host && { host }),
      'x-forwarded-for': [headers['x-forwarded-for'], socket.remoteAddress].filter(Boolean).join(', '),
      // The cloud accepts requests to the HTTP API from this process only, and removes the header.
      'x-millrace-access-key': accessKey,
    },
  })
  if (!received) return reject(response, 503)
  if (!cut) return sendBack(received, response)
  received.resume()
  socket.destroy()
}

const messages: Readonly<Record<number, string>> = {
  403: 'The local API answers only at 127.0.0.1 and localhost.',
  413: 'Request Too Long',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

const FAULTS_REFUSED =
  'Fault injection answers no web pages, and demands the access key of the local cloud: send `Authorization: Bearer` with accessKeyId of .millrace/outputs.json.'

/** Responds in place of the function, with the body that API Gateway sends for this status. */
const reject = (response: ServerResponse, status: number): void =>
  respondWith(response, status, messages[status] ?? 'Internal Server Error')

if (process.argv[1] === import.meta.filename) {
  const [apiPort, faultsPort, target = '', codes = '', outputs = '', host] = process.argv.slice(2)
  const accessKey = process.env['MILLRACE_ACCESS_KEY'] ?? '' // not an argument: those of a process are visible to all users
  const ports = { apiPort: Number(apiPort), faultsPort: Number(faultsPort) }
  await startProxy({ ...ports, target, host, accessKey, console: { codes, outputs } })
}
