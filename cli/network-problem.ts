/** Errors of the network that a retry of the SDK did not end. */
const UNREACHABLE: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
])

const STAGE = /^--stage(=|$)/

/**
 * Why a command could not reach its cloud, as one line that says what to do; undefined for any other error. `ended` says which parts of
 * the local cloud have ended.
 */
export function networkProblem(
  { code, message }: NodeJS.ErrnoException,
  commandLine: readonly string[],
  ended: () => readonly string[],
): string | undefined {
  if (!UNREACHABLE.has(code)) return undefined
  if (commandLine.some(argument => STAGE.test(argument)))
    return `AWS does not respond (${message}). Check the network, the region and AWS_ENDPOINT_URL.`
  if (code !== 'ECONNREFUSED') return undefined
  return ['The local cloud does not respond.', ...ended(), 'Start it with `npx millrace up`.'].join(' ')
}
