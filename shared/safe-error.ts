/**
 * An error whose message may be logged: it contains only names and counts of this product. Messages of other errors are never
 * logged, because they may quote what clients sent.
 */
export class SafeError extends Error {
  override readonly name: string = 'SafeError'
}

const LOGGED_FRAMES = 3
/** Any other name could be text that a client sent. */
const ERROR_NAME = /^\w{1,64}$/

/**
 * The part of an error that may be logged: the message of a SafeError and the description of its cause; the name, code, status
 * and stack frames of any other error.
 */
export function describeError(error: unknown): string {
  if (error instanceof SafeError)
    return error.cause === undefined ? error.message : `${error.message} Cause: ${describeError(error.cause)}`
  if (!(error instanceof Error)) return `a thrown ${typeof error}`
  const { code, statusCode, $metadata } = error as Error & {
    code?: unknown
    statusCode?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode ?? statusCode
  const facts = [typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) && code, typeof status === 'number' && status]
  return [ERROR_NAME.test(error.name) ? error.name : 'Error', ...facts.filter(fact => fact !== false), ...framesOf(error)].join(
    ' ',
  )
}

/** The stack frames of an error. The lines before them are the message. */
const framesOf = ({ stack = '', message }: Error): string[] =>
  stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .map(line => line.trim())
    .filter(line => /^at [^"'{}]*:\d+:\d+\)?$/.test(line))
    .slice(0, LOGGED_FRAMES)
