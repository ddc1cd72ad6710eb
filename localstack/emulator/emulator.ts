import { UserError } from '../../shared/user-error.ts'
import { type CloudAccess, credentialsElsewhere } from '../credentials.ts'
import { cloudAddress } from './address.ts'
import { askAccount, askServices, type CallError, statusOf } from './aws-calls.ts'
import { copyCertificates } from './certificates.ts'
import { lacksOf, neededTypes } from './needs.ts'
import { prepareToCall } from './prepare.ts'

/** A cloud that somebody else started. */
export interface Emulator {
  readonly access: CloudAccess
  readonly account: string
  /** The types of resources that it lacks. */
  readonly leftOut: readonly string[]
  /** What does not work there, in sentences. */
  readonly notes: readonly string[]
}

/** Finds out what the emulator at the URL of `--cloud` has. Stores certificates in `folder`. Throws a UserError if it does not suffice. */
export async function findEmulator(
  text: string,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Emulator> {
  const endpoint = cloudAddress(text)
  const credentials = credentialsElsewhere(endpoint, environment)
  const certificates = endpoint.startsWith('https:') ? copyCertificates(folder, environment) : undefined
  const access = { endpoint, credentials, ...(certificates && { certificates }) }
  prepareToCall(access)
  const account = await askAccount(access).catch(error => {
    throw new UserError(accessProblem(endpoint, error))
  })
  const { missing, leftOut, notes } = lacksOf(await askServices(access, neededTypes))
  if (!account || missing.length > 0)
    throw new UserError(
      `The emulator at ${endpoint} lacks what Millrace needs: ${[...(account ? [] : ['an account']), ...missing].join(', ')}. Switch it on there, or omit --cloud.`,
    )
  return { access, account, leftOut, notes }
}

const REFUSED =
  /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|IncompleteSignature|InvalidSignature|MissingAuthenticationToken|AccessDenied|ExpiredToken)/

/** Why the first call of an emulator failed, and what to do. */
export function accessProblem(endpoint: string, error: CallError): string {
  const code = codeOf(error)
  const status = statusOf(error)
  if (status === 401 || status === 403 || REFUSED.test(error.name))
    return `The emulator at ${endpoint} refuses the access key. Set AWS_ENDPOINT_URL=${endpoint}, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those that it demands; profiles are not read.`
  if (status !== undefined)
    return `The emulator at ${endpoint} does not answer GetCallerIdentity of STS (${status} ${error.name}). Switch STS on there, or omit --cloud.`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate of ${endpoint} is for another name. Use the name in it, such as ${endpoint.replace(/\/\/[^:]+|\/\/\[::1\]/, '//localhost')}.`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `The certificate of ${endpoint} is not valid today (${code}). Let the emulator make a new one.`
  if (/CERT|SIGNATURE/.test(code))
    return `The certificate of ${endpoint} is not trusted (${code}). Set AWS_CA_BUNDLE to the PEM file of the emulator's certificate authority.`
  if (code === 'EPROTO' || /^ERR_SSL/.test(code))
    return `${endpoint} does not speak TLS (${code}). Use ${endpoint.replace('https:', 'http:')}, or give the emulator a certificate.`
  if (code === 'ECONNREFUSED') return `No emulator responds at ${endpoint}. Start it first, or omit --cloud.`
  return `The emulator at ${endpoint} does not respond as AWS does (${code}). Check the URL, and whether it must begin with https.`
}

/** The code of the first error of a connection. */
function codeOf(error: unknown): string {
  const { code, name, cause, errors } = error as { code?: string; name?: string; cause?: unknown; errors?: unknown[] }
  if (code) return code
  const inner = errors?.[0] ?? cause
  return inner === undefined ? (name ?? 'error') : codeOf(inner)
}
