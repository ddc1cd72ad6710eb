import { createHmac, timingSafeEqual } from 'node:crypto'
import { freeName } from './dialect.ts'
import type { Envelope } from './envelope.ts'
import { isName } from './event.ts'
import { userTraits } from './events/user-traits.ts'
import type { Headers } from './http.ts'
import { isObject, type JsonObject } from './json.ts'
import { type Key, permits } from './keys.ts'
import { MAX_SOURCE_CHARACTERS } from './limits.ts'
import { isRejection, type Rejection, reject } from './rejections.ts'

/** What a key permits for one event. */
export interface Sender extends Pick<Key, 'name' | 'scope' | 'source' | 'sources' | 'types' | 'secret'> {
  /** Undefined for an event that an earlier version quarantined: it did not store the key. */
  readonly id: string | undefined
  /** Whether `user_traits` of a user need the user's signature if the key is a client key. */
  readonly signedTraits: boolean
}

/** The field for the source that an event of a client key claims. */
const CLAIMED_SOURCE = 'claimed_source'
/** The field for the signature of a user: in the context of a call, or beside the other fields of a row. */
const SIGNATURE = 'user_signature'

/** The rejection of a request from a web page whose origin the key does not permit. Only browsers send an origin. */
export const originProblem = ({ origins }: Pick<Key, 'origins'>, { origin }: Headers): Rejection | undefined =>
  origin === undefined || permits(origins, origin) ? undefined : reject('key_origin')

/** The envelope as its key permits it, or the rejection to quarantine it with. Fields of the wrong type are left for validation. */
export function applyRights(envelope: Envelope, sender: Sender): Envelope | Rejection {
  const { type } = envelope
  if (typeof type === 'string' && !permits(sender.types, type)) return reject('type_not_allowed')
  const signed =
    sender.signedTraits && sender.scope === 'client' && type === userTraits.name ? checkSigned(envelope, sender) : envelope
  return isRejection(signed) ? signed : withSource(signed, sender)
}

/** A client key's events have its source, and a claimed one becomes a field of their data: nobody can send an identity of another source. */
function withSource(envelope: Envelope, { scope, source, sources }: Sender): Envelope | Rejection {
  const claimed = envelope.source ?? source
  if (typeof claimed !== 'string' || !isName(claimed, MAX_SOURCE_CHARACTERS)) return envelope
  if (claimed === source) return { ...envelope, source }
  if (scope !== 'client') return permits(sources, claimed) ? envelope : reject('source_not_allowed')
  const fields = isObject(envelope.data) ? envelope.data : envelope.data == null ? {} : { value: envelope.data }
  return { ...envelope, source, data: { ...fields, [freeName(fields, CLAIMED_SOURCE)]: claimed } }
}

/** The envelope without its signature, which permits to write traits and must not be stored. A rejection if it is needed and wrong. */
function checkSigned(envelope: Envelope, { secret }: Sender): Envelope | Rejection {
  if (!isObject(envelope.data)) return envelope
  const { [SIGNATURE]: ofRow, ...row } = envelope.data
  const sdk = isObject(row['sdk']) ? row['sdk'] : {}
  const { [SIGNATURE]: ofContext, ...context } = isObject(sdk['context']) ? sdk['context'] : {}
  const user = row['user_id']
  if (typeof user !== 'string') return envelope
  if (!isAnonymous(user, sdk) && !isSignature(ofContext ?? ofRow, user, secret)) return reject('signature_invalid')
  return { ...envelope, data: ofContext === undefined ? row : { ...row, sdk: { ...sdk, context } } }
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/**
 * Whether the user is an anonymous id that an SDK made, which no server can have signed. It must be a UUID: else anybody could send
 * the id of a user as an anonymous id.
 */
const isAnonymous = (user: string, { userId, anonymousId }: JsonObject): boolean =>
  (userId == null || userId === '') && anonymousId === user && UUID.test(user)

/** HMAC-SHA256 of the user by the key's secret, in hex. */
export const signatureOf = (user: string, secret: string): string => createHmac('sha256', secret).update(user).digest('hex')

function isSignature(value: unknown, user: string, secret: string | undefined): boolean {
  if (typeof value !== 'string' || secret === undefined) return false
  const [given, expected] = [value, signatureOf(user, secret)].map(text => Buffer.from(text))
  return given !== undefined && expected !== undefined && given.length === expected.length && timingSafeEqual(given, expected)
}
