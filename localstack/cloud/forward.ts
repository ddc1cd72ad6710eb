import { once } from 'node:events'
import {
  Agent,
  type AgentOptions,
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { pipeline } from 'node:stream/promises'

export interface Destination {
  readonly agent: Agent
  /** The URL of the request, at the server behind this one. */
  readonly url: string
  readonly timeoutMs?: number
  /** Headers to add. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An agent for the protocol of this URL. */
export const agentFor = (url: string, options: AgentOptions): Agent =>
  url.startsWith('https:') ? new HttpsAgent(options) : new Agent(options)

/** A request to a URL of either protocol. The certificate must be for the host of the URL, whatever Host the headers name. */
export function requestTo(url: string, options: RequestOptions): ClientRequest {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:') return httpRequest(url, options)
  const address = hostname.replace(/^\[|\]$/g, '')
  return httpsRequest(url, { ...options, servername: isIP(address) ? '' : address })
}

/** Sends a request on, byte for byte. Resolves to the response, whose body is not read yet; undefined if the server gave none. */
export async function sendOn(
  incoming: IncomingMessage,
  response: ServerResponse,
  { agent, url, timeoutMs, headers }: Destination,
): Promise<IncomingMessage | undefined> {
  const options: RequestOptions = {
    agent,
    method: incoming.method ?? 'GET',
    headers: { ...endToEnd(incoming.headers), ...headers },
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
  }
  const outgoing = requestTo(url, options)
  outgoing.once('timeout', () => outgoing.destroy())
  outgoing.on('error', () => undefined) // after the response: the server closed the connection before the request had ended
  incoming.pipe(outgoing)
  response.once('close', () => response.writableFinished || outgoing.destroy())
  const [received] = (await once(outgoing, 'response').catch(() => [])) as [IncomingMessage?]
  return received
}

/** Streams a response back, byte for byte. */
export async function sendBack(received: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(received.statusCode ?? 502, endToEnd(received.headers))
  await pipeline(received, response)
}

/** Removes the headers that belong to one connection and must not be forwarded. */
const endToEnd = ({ connection, 'keep-alive': keepAlive, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders => headers

/** Responds with a status and one line. */
export function respondWith(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ message }))
}
