import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { corsHeaders, preflightHeaders } from '../../shared/cors.ts'
import type { Dialect } from '../../shared/dialect.ts'
import type { Headers } from '../../shared/http.ts'
import { isRejection, type Rejection, rejections } from '../../shared/rejections.ts'
import type { ClassifiedElements } from './classify-elements.ts'

export type HttpResponse = APIGatewayProxyStructuredResultV2

/** Also long enough for `rate_limited`: the limit is at least one request a second. */
const RETRY_AFTER_SECONDS = '1'

export const preflight = (headers: Headers, dialects: readonly Dialect[]): HttpResponse => ({
  statusCode: 204,
  headers: preflightHeaders(headers, dialects),
})

/** The response to a request, with CORS headers so that browsers may read it. */
export function respond(outcome: ClassifiedElements | Rejection, headers: Headers): HttpResponse {
  if (isRejection(outcome)) {
    const status = statusOf(outcome)
    const retryAfter = status === 503 || status === 429 ? { 'retry-after': RETRY_AFTER_SECONDS } : undefined
    return json(status, { success: false, code: outcome.code, message: outcome.message }, headers, retryAfter)
  }
  const { events, receipts, hints = [] } = outcome
  const quarantined = outcome.quarantined.map(({ index, event: { id, code, message } }) => ({ index, id, code, message }))
  const more = { ...(receipts && { events: receipts }), ...(hints.length > 0 && { hints }) }
  return json(200, { success: true, accepted: events.length, quarantined, ...more }, headers)
}

/** Codes with status 200 are for single events. If one rejects the whole body, the status is 400. */
function statusOf({ code }: Rejection): number {
  const { status } = rejections[code]
  return status === 200 ? 400 : status
}

export const cacheable = (body: object, seconds: number, headers: Headers): HttpResponse =>
  json(200, body, headers, { 'cache-control': `public, max-age=${seconds}` })

const json = (statusCode: number, body: object, headers: Headers, more?: Record<string, string>): HttpResponse => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...corsHeaders(headers), ...more },
  body: JSON.stringify(body),
})
