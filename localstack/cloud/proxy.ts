// The local API for clients: a host without a path, in front of the emulated HTTP API. It runs as a separate process.
import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { drawFaults, type Faults, faultsSchema } from './faults.ts'

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
}

/** Starts the API and, on a second port, the server that sets faults (PUT) and removes them (DELETE). */
export async function startProxy({ apiPort, faultsPort, target }: Settings): Promise<readonly Server[]> {
  let drawFault = drawFaults({})
  // Closes idle connections before the cloud does after 75 s: a request on a connection that is just closing would fail.
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 60_000 })
  const api = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 75_000 }, (incoming, response) => {
    if (!isLocal(incoming)) return reject(response, 403)
    const { delayMs, status, cut } = drawFault()
    void (async () => {
      if (delayMs > 0) await delay(delayMs)
      if (cut === 'before') incoming.socket.destroy()
      else if (status !== undefined) reject(response, status)
      else await forward(incoming, response, { agent, target, cut: cut === 'after' })
    })().catch(() => incoming.socket.destroy())
  })
  const faults = createServer((incoming, response) => {
    if (!isLocal(incoming) || isFromPage(incoming)) return reject(response, 403)
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

/** After DNS rebinding, a browser sends the requests of a foreign page to 127.0.0.1, with the page's own name as Host. */
const isLocal = ({ headers: { host = '' } }: IncomingMessage): boolean => /^(127\.0\.0\.1|localhost)(:\d+)?$/i.test(host)

const isFromPage = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined || (headers['sec-fetch-site'] ?? 'none') !== 'none'

async function readFaults(incoming: IncomingMessage): Promise<Faults> {
  if (incoming.method === 'DELETE') return {}
  if (incoming.method !== 'PUT') throw new Error('Use PUT to set faults, or DELETE to remove them.')
  return faultsSchema.parse(await json(incoming))
}

interface Route {
  readonly agent: Agent
  readonly target: string
  /** Close the connection instead of sending the response. */
  readonly cut: boolean
}

/** Forwards a request and streams the response back, both byte for byte. */
async function forward(incoming: IncomingMessage, response: ServerResponse, { agent, target, cut }: Route): Promise<void> {
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return reject(response, 413)
  const { method = 'GET', headers, url = '/', socket } = incoming
  const outgoing = request(`${target}${url}`, {
    method,
    agent,
    timeout: INTEGRATION_MS,
    headers: {
      ...endToEnd(headers),
      'x-forwarded-for': [headers['x-forwarded-for'], socket.remoteAddress].filter(Boolean).join(', '),
    },
  })
  outgoing.once('timeout', () => outgoing.destroy())
  incoming.pipe(outgoing)
  response.once('close', () => response.writableFinished || outgoing.destroy())
  const [received] = (await once(outgoing, 'response').catch(() => [])) as [IncomingMessage?]
  if (!received) return reject(response, 503)
  if (cut) {
    received.resume()
    return void socket.destroy()
  }
  response.writeHead(received.statusCode ?? 502, endToEnd(received.headers))
  await pipeline(received, response)
}

/** Removes the headers that belong to one connection and must not be forwarded. */
const endToEnd = ({ connection, 'keep-alive': keepAlive, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders => headers

const messages: Readonly<Record<number, string>> = {
  403: 'The local API answers only at 127.0.0.1 and localhost, and its fault injection no web pages.',
  413: 'Request Too Long',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

/** Responds in place of the function, with the body that API Gateway sends for this status. */
function reject(response: ServerResponse, status: number): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ message: messages[status] ?? 'Internal Server Error' }))
}

if (process.argv[1] === import.meta.filename) {
  const [apiPort, faultsPort, target = ''] = process.argv.slice(2)
  await startProxy({ apiPort: Number(apiPort), faultsPort: Number(faultsPort), target })
}
