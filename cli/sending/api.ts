import { isObject, LINES_CONTENT_TYPE, parseJson } from '../../shared/json.ts'
import { UserError } from '../../shared/user-error.ts'

/** The API's response to one batch. */
export interface SendResult {
  readonly accepted: number
  readonly quarantined: readonly {
    readonly index: number
    readonly id: string | null
    readonly code: string
    readonly message: string
  }[]
  /** How many quarantined elements the list leaves out, because the response would be too large. */
  readonly quarantinedOmitted?: number
  /** What the API thinks the sender may have got wrong. */
  readonly hints?: readonly string[]
}

/** Clock and randomness, so that tests can replace them. */
export interface Runtime {
  /** Milliseconds since 1970. */
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** 0 (included) to 1. */
  random(): number
}

/** The API or a gateway responded that the body is too large. Nothing of it was stored. */
export class BodyTooLarge extends UserError {}

/** The API failed, or did not respond, twice. Events of the body may be stored. */
export class FailedTwice extends UserError {}

const TOO_LARGE = 413
const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 30_000
/** How long bodies are sent without a success. After that the command fails; batches confirmed before are not sent again. */
const DEADLINE_MS = 15 * 60_000
const TIMEOUT_MS = 60_000
const MAX_MESSAGE_CHARACTERS = 500
/** Failures after which a body is sent in halves: a stream that is overloaded stores few events in the time of a request. */
const MAX_FAILURES = 2
/** Statuses that ask for a retry, besides 5xx. */
const RETRIED: readonly number[] = [408, 429]
/** A gateway's statuses while its routes are being deployed. The API's own responses have a code. */
const RETRIED_WITHOUT_CODE: readonly number[] = [403, 404]

/** Milliseconds to wait before retry number `attempt`, counted from 1: as Retry-After says, else exponential backoff with jitter. */
export function waitBefore(attempt: number, retryAfter: string | null, runtime: Pick<Runtime, 'now' | 'random'>): number {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter)
  if (seconds >= 0) return seconds * 1000
  const date = Date.parse(retryAfter ?? '')
  if (date) return Math.max(0, date - runtime.now())
  return Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1)) * (0.5 + runtime.random() / 2)
}

/**
 * Returns a function that POSTs bodies whose lines are events. It retries while the API responds with 429 or 5xx, cannot be reached,
 * or another server responds with 403 or 404, and calls `waiting` with the reason before each wait. Throws BodyTooLarge for 413,
 * FailedTwice when a body that can be divided has failed twice, and a UserError for any other status, or after 15 minutes in which it stored nothing.
 */
export function eventsApi(url: URL, key: string, runtime: Runtime, waiting: (reason: string) => void = () => {}) {
  let deadline: number | undefined
  return async (body: Buffer, isDivisible: boolean): Promise<SendResult> => {
    deadline ??= runtime.now() + DEADLINE_MS
    let failures = 0
    for (let attempt = 1; ; attempt++) {
      const { result, reason, retryAfter, isFailure } = await tryOnce(url, key, body)
      if (result) {
        deadline = undefined
        return result
      }
      if (isFailure) failures += 1
      const wait = waitBefore(attempt, retryAfter, runtime)
      if (runtime.now() + wait > deadline)
        throw new UserError(`${url.origin} does not accept events (${reason}). Run the same command again; it resumes.`)
      waiting(reason)
      await runtime.sleep(wait)
      if (isDivisible && failures === MAX_FAILURES) throw new FailedTwice(reason)
    }
  }
}

interface Attempt {
  readonly result?: SendResult
  /** Why the request must be retried. */
  readonly reason: string
  readonly retryAfter: string | null
  /** Whether the API failed or did not respond, so that a smaller body may help. */
  readonly isFailure: boolean
}

async function tryOnce(url: URL, key: string, body: Buffer): Promise<Attempt> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': LINES_CONTENT_TYPE },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.ok) return { result: resultOf(await response.json()), reason: '', retryAfter: null, isFailure: false }
  } catch (error) {
    return { reason: reasonOf(error), retryAfter: null, isFailure: (error as Error).name === 'TimeoutError' }
  }
  const { code, message } = await problemOf(response)
  const { status } = response
  const reason = [status, code, message].filter(Boolean).join(' ')
  const isRetried = status >= 500 || RETRIED.includes(status) || (code === undefined && RETRIED_WITHOUT_CODE.includes(status))
  if (status === TOO_LARGE) throw new BodyTooLarge(`${url.origin} rejected it: ${reason}`)
  if (!isRetried) throw new UserError(`${url.href} rejected the events: ${reason}`)
  return { reason, retryAfter: response.headers.get('retry-after'), isFailure: status >= 500 }
}

/** Why a request got no response: the network error's code or message. */
export const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? message
}

/** Throws if the response is not that of the API: another server may answer 200, such as a login page. */
function resultOf(value: unknown): SendResult {
  const { accepted, quarantined, quarantinedOmitted = 0, hints = [] } = (isObject(value) ? value : {}) as Partial<SendResult>
  if (typeof accepted === 'number' && Array.isArray(quarantined)) return { accepted, quarantined, quarantinedOmitted, hints }
  throw new Error('the response is not that of the API')
}

/** The code and message of an error response. Only the API's own responses have a code. */
async function problemOf(response: Response): Promise<{ readonly code?: string; readonly message: string }> {
  const text = await response.text().catch(() => '')
  const value = parseJson(text)
  if (!isObject(value)) return { message: text.slice(0, MAX_MESSAGE_CHARACTERS) }
  const message = String(value['message'] ?? '').slice(0, MAX_MESSAGE_CHARACTERS)
  return value['success'] === false ? { code: String(value['code']), message } : { message }
}
