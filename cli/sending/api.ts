import { UserError } from '../../shared/user-error.ts'

/** What the API said of one batch. */
export interface SendResult {
  readonly accepted: number
  readonly quarantined: readonly {
    readonly index: number
    readonly id: string | null
    readonly code: string
    readonly message: string
  }[]
}

/** The parts of the world that sending needs besides the network. */
export interface Runtime {
  /** Milliseconds since 1970. */
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** 0 (included) to 1. */
  random(): number
}

const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 30_000
/** How long one batch is tried before the sender gives up; what was confirmed stays confirmed. */
const DEADLINE_MS = 15 * 60_000
const TIMEOUT_MS = 60_000

/** Milliseconds to wait before attempt number `attempt` (1 is the first repetition): what Retry-After says, else doubling with jitter. */
export function waitBefore(attempt: number, retryAfter: string | null, world: Pick<Runtime, 'now' | 'random'>): number {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter)
  if (seconds >= 0) return seconds * 1000
  const date = Date.parse(retryAfter ?? '')
  if (date) return Math.max(0, date - world.now())
  return Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1)) * (0.5 + world.random() / 2)
}

/** POSTs NDJSON bodies; waits while the API says 429 or 5xx or cannot be reached. Throws a Failure for any other refusal. */
export function eventsApi(url: URL, key: string, world: Runtime, waiting: (why: string) => void = () => {}) {
  return async (body: Buffer): Promise<SendResult> => {
    const giveUpAt = world.now() + DEADLINE_MS
    for (let attempt = 1; ; attempt++) {
      const { answer, why, retryAfter } = await tryOnce(url, key, body)
      if (answer) return answer
      const wait = waitBefore(attempt, retryAfter, world)
      if (world.now() + wait > giveUpAt)
        throw new UserError(
          `${url.origin} does not take events (${why}); run the same command again, it goes on where it stopped.`,
        )
      waiting(why)
      await world.sleep(wait)
    }
  }
}

interface Attempt {
  readonly answer?: SendResult
  /** Why it must be tried again. */
  readonly why: string
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
    if (response.ok) return { answer: (await response.json()) as SendResult, why: '', retryAfter: null }
  } catch (error) {
    return { why: reasonOf(error), retryAfter: null }
  }
  const why = `${response.status} ${await messageOf(response)}`.trim()
  if (response.status !== 429 && response.status < 500) throw new UserError(`${url.href} refused the events: ${why}`)
  return { why, retryAfter: response.headers.get('retry-after') }
}

/** Why a request did not come to an answer. */
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
