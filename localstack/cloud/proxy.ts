// The local API as its clients see it: a host without a path, in front of the emulated HTTP API. A process of its own.
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

// As API Gateway has them for HTTP APIs.
const LARGEST_BODY = 10 * 2 ** 20
const LARGEST_HEAD = 10_240
const INTEGRATION_MS = 30_000

/** Where the proxy listens and what it stands before; `target` is the URL of the emulated stage, without a trailing slash. */
interface Settings {
  readonly apiPort: number
  readonly faultsPort: number
  readonly target: string
}

/** Starts the API and, on a port of its own, the switch for faults (PUT, DELETE). */
export async function startProxy({ apiPort, faultsPort, target }: Settings): Promise<readonly Server[]> {
  let fate = drawFaults({})
  // An idle connection ends here before the cloud ends it (after 75 s): a request must not meet that moment.
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 60_000 })
  const api = createServer({ maxHeaderSize: LARGEST_HEAD, keepAliveTimeout: 75_000 }, (incoming, answer) => {
    const { delayMs, status, cut } = fate()
    void (async () => {
      if (delayMs > 0) await delay(delayMs)
      if (cut === 'before') incoming.socket.destroy()
      else if (status !== undefined) refuse(answer, status)
      else await forward(incoming, answer, { agent, target, cut: cut === 'after' })
    })().catch(() => incoming.socket.destroy())
  })
  const faults = createServer((incoming, answer) => {
    void readFaults(incoming).then(
      wanted => {
        fate = drawFaults(wanted)
        answer.writeHead(204).end()
      },
      error => answer.writeHead(400).end(`${error.message}\n`),
    )
  })
  api.listen(apiPort, '127.0.0.1')
  faults.listen(faultsPort, '127.0.0.1')
  await Promise.all([once(api, 'listening'), once(faults, 'listening')])
  return [api, faults]
}

async function readFaults(incoming: IncomingMessage): Promise<Faults> {
  if (incoming.method === 'DELETE') return {}
  if (incoming.method !== 'PUT') throw new Error('PUT faults, or DELETE them.')
  return faultsSchema.parse(await json(incoming))
}

interface Way {
  readonly agent: Agent
  readonly target: string
  /** Cuts the connection in place of the answer. */
  readonly cut: boolean
}

/** Hands a request on and streams the answer back, both byte for byte. */
async function forward(incoming: IncomingMessage, answer: ServerResponse, { agent, target, cut }: Way): Promise<void> {
  if (Number(incoming.headers['content-length'] ?? 0) > LARGEST_BODY) return refuse(answer, 413)
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
  answer.once('close', () => answer.writableFinished || outgoing.destroy())
  const answered = await once(outgoing, 'response').catch(() => undefined)
  if (!answered) return refuse(answer, 503)
  const [response] = answered as [IncomingMessage]
  if (cut) {
    response.resume()
    return void socket.destroy()
  }
  answer.writeHead(response.statusCode ?? 502, endToEnd(response.headers))
  await pipeline(response, answer)
}

/** A connection's own headers end with it. */
const endToEnd = ({ connection, 'keep-alive': keepAlive, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders => headers

const words: Readonly<Record<number, string>> = {
  413: 'Request Too Long',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

/** An answer of the gateway itself, as API Gateway writes them. */
function refuse(answer: ServerResponse, status: number): void {
  if (answer.headersSent) return void answer.destroy()
  answer.writeHead(status, { 'content-type': 'application/json' })
  answer.end(JSON.stringify({ message: words[status] ?? 'Internal Server Error' }))
}

if (process.argv[1] === import.meta.filename) {
  const [apiPort, faultsPort, target = ''] = process.argv.slice(2)
  await startProxy({ apiPort: Number(apiPort), faultsPort: Number(faultsPort), target })
}
