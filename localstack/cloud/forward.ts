import { once } from 'node:events'
import {
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
  type ServerResponse,
} from 'node:http'
import { pipeline } from 'node:stream/promises'

export interface Destination {
  readonly agent: Agent
  /** The URL of the request, at the server behind this one. */
  readonly url: string
  readonly timeoutMs?: number
  /** Headers to add. */
  readonly headers?: Readonly<Record<string, string>>
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
  const outgoing = request(url, options)
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
