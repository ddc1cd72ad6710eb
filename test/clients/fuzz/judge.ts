import { type RejectionCode, rejections } from '../../../shared/rejections.ts'
import type { ingestInMemory, TestResponse } from '../../fakes/ingest.ts'
import type { Case } from './requests.ts'

/** The codes with which a whole request may be rejected. The other codes are for single events. */
const requestCodes: readonly RejectionCode[] = [
  'malformed_json',
  'key_missing',
  'key_unknown',
  'key_conflict',
  'key_scope',
  'unknown_type',
  'not_found',
  'body_too_large',
  'unsupported_format',
  'rate_limited',
  'unavailable',
]

/** How a response, or what was stored, violates the specification. Undefined if it does not. */
export function findViolation(
  dealt: Case,
  response: TestResponse,
  stored: ReturnType<typeof ingestInMemory>,
): string | undefined {
  return response.status === 200 ? violationOfSuccess(dealt, response, stored) : violationOfRejection(dealt, response, stored)
}

function violationOfSuccess(
  { validIds = [], elements, store, path }: Case,
  { body }: TestResponse,
  { events, quarantined }: ReturnType<typeof ingestInMemory>,
) {
  if (path === '/v1/m') return undefined
  if (store === 'keys down') return 'accepted although no key could be looked up'
  if (body.success !== true || body.accepted !== events.length)
    return `reports ${body.accepted} accepted events and stored ${events.length}`
  if (body.quarantined.length !== quarantined.length) return 'reports another number of quarantined events than were stored'
  const judged = body.accepted + body.quarantined.length
  if (elements !== undefined && judged !== elements) return `has ${elements} elements and reports ${judged}`
  const ids = events.map(({ id }) => id)
  const lost = validIds.find(id => ids.filter(other => other === id).length !== 1)
  if (lost !== undefined) return `the valid event ${lost} is stored ${ids.filter(id => id === lost).length} times`
  const stored = [
    JSON.stringify(events.map(({ data, id, type, subject }) => [data, id, type, subject])),
    ...quarantined.map(q => q.body),
  ]
  return stored.every(text => text.isWellFormed() && !/\\ud[89a-f][0-9a-f]{2}/.test(stored[0] ?? ''))
    ? undefined
    : 'stored half of a surrogate pair'
}

function violationOfRejection(
  { store, validIds, limited }: Case,
  { status, body, headers }: TestResponse,
  { events }: ReturnType<typeof ingestInMemory>,
) {
  const code = body?.code as RejectionCode
  const breaksCloudEvents = code === 'invalid_event' && status === 400
  if (!breaksCloudEvents && (!requestCodes.includes(code) || rejections[code].status !== status))
    return `responded ${status} ${code}`
  if (status === 503)
    return store === 'up' ? 'unavailable although every store is up' : headers['retry-after'] ? undefined : 'no Retry-After'
  if (status === 429 && !(limited && headers['retry-after']))
    return '429 although the key is within its limit, or without Retry-After'
  if (events.length > 0) return 'rejected, but events were stored'
  return status === 400 && validIds?.length && !breaksCloudEvents ? 'valid events were rejected' : undefined
}
