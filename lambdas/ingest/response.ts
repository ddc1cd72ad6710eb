import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { preflightHeaders } from '../../shared/cors.ts'
import type { Dialect } from '../../shared/dialect.ts'
import type { Headers } from '../../shared/http.ts'
import { isRejection, type Rejection, rejections } from '../../shared/rejections.ts'
import { rowsThatFit } from '../response-size.ts'
import type { ClassifiedElements } from './classify-elements.ts'

export type HttpResponse = APIGatewayProxyStructuredResultV2

/** Also long enough for the rate limit: it is at least one request a second. */
const RETRY_AFTER_SECONDS = 1

export const preflight = (headers: Headers, dialects: readonly Dialect[]): HttpResponse => ({
  statusCode: 204,
  headers: preflightHeaders(headers, dialects),
})

/** The response to a request. */
export function respond(outcome: ClassifiedElements | Rejection): HttpResponse {
  if (isRejection(outcome)) {
    const status = statusOf(outcome)
    const seconds = String(outcome.retryAfter ?? RETRY_AFTER_SECONDS)
    const retryAfter = status === 503 || status === 429 ? { 'retry-after': seconds } : undefined
    return json(status, { success: false, code: outcome.code, message: outcome.message }, retryAfter)
  }
  const { events, receipts, hints = [] } = outcome
  const quarantined = outcome.quarantined.map(({ index, event: { id, code, message } }) => ({ index, id, code, message }))
  return json(200, {
    success: true,
    accepted: events.length,
    ...capped(quarantined, receipts),
    ...(hints.length > 0 && { hints }),
  })
}

/** The quarantined elements and the receipts, or the first of them, and how many others there are: each list has half of a response. */
function capped(quarantined: readonly object[], receipts: readonly unknown[] | undefined): object {
  const listed = rowsThatFit(quarantined, 0.5)
  const events = receipts && rowsThatFit(receipts, 0.5)
  return {
    quarantined: listed,
    ...(listed.length < quarantined.length && { quarantinedOmitted: quarantined.length - listed.length }),
    ...(receipts && { events }),
    ...(receipts && events && events.length < receipts.length && { eventsOmitted: receipts.length - events.length }),
  }
}

/** Codes with status 200 are for single events. If one rejects the whole body, the status is 400. */
function statusOf({ code }: Rejection): number {
  const { status } = rejections[code]
  return status === 200 ? 400 : status
}

export const cacheable = (body: object, seconds: number): HttpResponse =>
  json(200, body, { 'cache-control': `public, max-age=${seconds}` })

const json = (statusCode: number, body: object, more?: Record<string, string>): HttpResponse => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...more },
  body: JSON.stringify(body),
})
