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
}

/** Clock and randomness, so that tests can replace them. */
export interface Runtime {
  /** Milliseconds since 1970. */
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** 0 (included) to 1. */
  random(): number
}

const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 30_000
/** How long a batch is retried. After that the command fails; batches confirmed before are not sent again. */
const DEADLINE_MS = 15 * 60_000
const TIMEOUT_MS = 60_000

/** Milliseconds to wait before retry number `attempt`, counted from 1: as Retry-After says, else exponential backoff with jitter. */
export function waitBefore(attempt: number, retryAfter: string | null, runtime: Pick<Runtime, 'now' | 'random'>): number {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter)
  if (seconds >= 0) return seconds * 1000
  const date = Date.parse(retryAfter ?? '')
  if (date) return Math.max(0, date - runtime.now())
  return Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1)) * (0.5 + runtime.random() / 2)
}

/**
 * Returns a function that POSTs NDJSON bodies. It retries while the API responds with 429 or 5xx or cannot be reached, and calls
 * `waiting` with the reason before each wait. Throws a UserError for any other status, or after 15 minutes.
 */
export function eventsApi(url: URL, key: string, runtime: Runtime, waiting: (reason: string) => void = () => {}) {
  return async (body: Buffer): Promise<SendResult> => {
    const deadline = runtime.now() + DEADLINE_MS
    for (let attempt = 1; ; attempt++) {
      const { result, reason, retryAfter } = await tryOnce(url, key, body)
      if (result) return result
      const wait = waitBefore(attempt, retryAfter, runtime)
      if (runtime.now() + wait > deadline)
        throw new UserError(`${url.origin} does not accept events (${reason}). Run the same command again; it resumes.`)
      waiting(reason)
      await runtime.sleep(wait)
    }
  }
}

interface Attempt {
  readonly result?: SendResult
  /** Why the request must be retried. */
  readonly reason: string
  readonly retryAfter: string | null
}

async function tryOnce(url: URL, key: string, body: Buffer): Promise<Attempt> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.ok) return { result: (await response.json()) as SendResult, reason: '', retryAfter: null }
  } catch (error) {
    return { reason: reasonOf(error), retryAfter: null }
  }
  const reason = `${response.status} ${await messageOf(response)}`.trim()
  if (response.status !== 429 && response.status < 500) throw new UserError(`${url.href} rejected the events: ${reason}`)
  return { reason, retryAfter: response.headers.get('retry-after') }
}

/** Why a request got no response: the network error's code or message. */
export const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? message
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  try {
    const { code, message } = JSON.parse(text) as { code?: string; message?: string }
    return `${code ?? ''} ${message ?? ''}`.trim()
  } catch {
    return text.slice(0, 200).replaceAll('\n', ' ')
  }
}
