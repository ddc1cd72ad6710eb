import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { UserError } from '../../shared/user-error.ts'
import { executeUrl, type HttpApi } from '../api.ts'
import { requestTo } from '../cloud/forward.ts'
import { isLoopback } from './address.ts'

/** The first call starts the query function. */
const ANSWER_MS = 30_000

/**
 * Finds out where an emulator serves the HTTP API of the stack: below a path, under the host name of the output ApiUrl, or at that URL.
 * Requests go to this machine only. Throws a UserError.
 */
export async function findHttpApi(endpoint: string, apiOutput: string, accessKey: string): Promise<HttpApi> {
  const candidates = candidatesOf(endpoint, apiOutput)
  for (const candidate of candidates) if (await serves(candidate, accessKey)) return candidate
  const tried = candidates.map(({ url, host }) => (host ? `${url} with the host ${host}` : url))
  throw new UserError(
    `The emulator at ${endpoint} deployed the stack, but GET /v1/health does not answer at ${tried.join(', nor at ')}. Check that it runs functions behind HTTP APIs, and read its log.`,
  )
}

/** Where the HTTP API may be, by what emulators do. */
export function candidatesOf(endpoint: string, apiOutput: string): HttpApi[] {
  const below = executeUrl(endpoint, apiOutput)
  const url = URL.parse(apiOutput)
  const path = url?.pathname.replace(/\/$/, '') ?? ''
  return [
    ...(below ? [{ url: below }] : []),
    ...(url ? [{ url: `${endpoint}${path}`, host: url.host }] : []),
    ...(url && isLoopback(url) ? [{ url: `${url.origin}${path}` }] : []),
  ]
}

/** Whether the response is that of our function: its body names stores, reachable or not. */
async function serves({ url, host }: HttpApi, accessKey: string): Promise<boolean> {
  const headers = { ...(host && { host }), 'x-millrace-access-key': accessKey }
  const request = requestTo(`${url}/v1/health`, { headers, signal: AbortSignal.timeout(ANSWER_MS) })
  request.end()
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const body: unknown = JSON.parse(await text(response))
    return typeof body === 'object' && body !== null && 'stores' in body
  } catch {
    return false
  }
}
