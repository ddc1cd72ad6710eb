// OpenSearch knows neither keys nor origins, so a web page could delete indices. This process runs it at an address that is told to
// nobody, and forwards to it what no page can have sent. It ends with OpenSearch.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, statSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, type Server } from 'node:http'
import { pidLine } from '../processes.ts'
import { writeWhole } from '../whole-file.ts'
import { respondWith, sendBack, sendOn } from './forward.ts'
import { isFromPage, isLocal } from './local-requests.ts'

const REFUSED = 'The local OpenSearch answers no web pages, and only at 127.0.0.1 and localhost.'
const UNAVAILABLE = 'OpenSearch does not respond.'

/**
 * Listens on 127.0.0.1 and forwards to `backend`, a URL without a path. Records the different requests of functions as long as the file
 * `calls` exists.
 */
export async function startGate(port: number, backend: string, calls: string): Promise<Server> {
  const agent = new Agent({ keepAlive: true })
  const record = recorder(calls)
  const server = createServer((incoming, response) => {
    if (!isLocal(incoming) || isFromPage(incoming)) return respondWith(response, 403, REFUSED)
    record(incoming)
    void (async () => {
      const received = await sendOn(incoming, response, { agent, url: `${backend}${incoming.url ?? '/'}` })
      if (received) await sendBack(received, response)
      else respondWith(response, 503, UNAVAILABLE)
    })().catch(() => incoming.socket.destroy())
  })
  server.requestTimeout = 0
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/**
 * Returns a function that writes a request which the file lacks. Functions send their name as the user: calls.py puts it into their
 * address of OpenSearch.
 */
function recorder(calls: string): (request: IncomingMessage) => void {
  const written = new Set<string>()
  return ({ headers: { authorization = '' }, method, url }) => {
    const credentials = /^Basic (.+)$/.exec(authorization)?.[1]
    if (!credentials) return
    const size = statSync(calls, { throwIfNoEntry: false })?.size
    if (size === undefined) return
    if (size === 0) written.clear()
    const [user] = Buffer.from(credentials, 'base64').toString().split(':')
    const line = `${JSON.stringify({ function: user, method, url })}\n`
    if (written.has(line)) return
    written.add(line)
    appendFileSync(calls, line)
  }
}

if (process.argv[1] === import.meta.filename) {
  const [port, backend = '', pidFile = '', calls = '', java = '', ...args] = process.argv.slice(2)
  await startGate(Number(port), backend, calls)
  const child = spawn(java, args, { stdio: 'inherit' })
  await once(child, 'spawn')
  writeWhole(pidFile, pidLine(child.pid as number))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.once('exit', () => child.kill('SIGKILL'))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exit(code ?? 1)
}
