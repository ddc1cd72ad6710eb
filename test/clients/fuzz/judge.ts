import { type RejectionCode, rejections } from '../../../shared/rejections.ts'
import type { ingestInMemory, TestResponse } from '../../fakes/ingest.ts'
import type { Case } from './requests.ts'

/** What of the whole request a refusal may be coded with; the other codes are for single events. */
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

/** What is wrong with an answer, or with what was stored; undefined when it is as the specification has it. */
export function wrongWith(dealt: Case, answer: TestResponse, stored: ReturnType<typeof ingestInMemory>): string | undefined {
  return answer.status === 200 ? wrongWithTaken(dealt, answer, stored) : wrongWithRefused(dealt, answer, stored)
}

function wrongWithTaken(
  { validIds = [], store, path }: Case,
  { body }: TestResponse,
  { events, quarantined }: ReturnType<typeof ingestInMemory>,
) {
  if (path === '/v1/m') return undefined
  if (store === 'keys down') return 'taken although no key could be looked up'
  if (body.success !== true || body.accepted !== events.length) return `says ${body.accepted} and stored ${events.length}`
  if (body.quarantined.length !== quarantined.length) return 'says another number of events put aside than were'
  const ids = events.map(({ id }) => id)
  const lost = validIds.find(id => ids.filter(other => other === id).length !== 1)
  if (lost !== undefined) return `the valid event ${lost} is stored ${ids.filter(id => id === lost).length} times`
  const kept = [
    JSON.stringify(events.map(({ data, id, type, subject }) => [data, id, type, subject])),
    ...quarantined.map(q => q.body),
  ]
  return kept.every(text => text.isWellFormed() && !/\\ud[89a-f][0-9a-f]{2}/.test(kept[0] ?? ''))
    ? undefined
    : 'stored half a character'
}

function wrongWithRefused(
  { store, validIds, limited }: Case,
  { status, body, headers }: TestResponse,
  { events }: ReturnType<typeof ingestInMemory>,
) {
  const code = body?.code as RejectionCode
  const breaksCloudEvents = code === 'invalid_event' && status === 400
  if (!breaksCloudEvents && (!requestCodes.includes(code) || rejections[code].status !== status))
    return `answered ${status} ${code}`
  if (status === 503)
    return store === 'up' ? 'unavailable while every store is up' : headers['retry-after'] ? undefined : 'no Retry-After'
  if (status === 429 && !(limited && headers['retry-after'])) return 'told to wait without a reason or a time'
  if (events.length > 0) return 'refused, and yet events were stored'
  return status === 400 && validIds?.length && !breaksCloudEvents ? 'valid events were refused' : undefined
}
