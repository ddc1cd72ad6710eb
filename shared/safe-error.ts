/**
 * An error in our own words: its message holds names and counts of ours and may stand in a log. Messages of libraries and of
 * the language may quote what clients sent, and never do.
 */
export class SafeError extends Error {
  override readonly name = 'SafeError'
}

const FRAMES = 3

/** What of any error may stand in a log: of our own all, of others the name, its code or status, and where it was thrown. */
export function describeError(error: unknown): string {
  if (error instanceof SafeError) return error.message
  if (!(error instanceof Error)) return `a thrown ${typeof error}`
  const { code, statusCode, $metadata } = error as Error & {
    code?: unknown
    statusCode?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode ?? statusCode
  const facts = [typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) && code, typeof status === 'number' && status]
  return [error.name, ...facts.filter(fact => fact !== false), ...framesOf(error)].join(' ')
}

/** Lines of the stack say where; the lines before them are the message. */
const framesOf = ({ stack = '', message }: Error): string[] =>
  stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .map(line => line.trim())
    .filter(line => /^at [^"'{}]*:\d+:\d+\)?$/.test(line))
    .slice(0, FRAMES)
