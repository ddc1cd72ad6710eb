import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { corsHeaders, preflightHeaders } from '../../shared/cors.ts'
import { isRejection, type Rejection, rejections } from '../../shared/rejections.ts'
import type { Sorted } from './plan-events.ts'

export type Answer = APIGatewayProxyStructuredResultV2
type Headers = Readonly<Record<string, string | undefined>>

/** Also right for `rate_limited`: a limit is at least one request a second. */
const RETRY_AFTER_SECONDS = '1'

export const preflight = (headers: Headers): Answer => ({ statusCode: 204, headers: preflightHeaders(headers) })

/** What became of a request, told to its sender; browsers may read every answer. */
export function answer(outcome: Sorted | Rejection, headers: Headers): Answer {
  if (isRejection(outcome)) {
    const status = refusalStatus(outcome)
    const patience = status === 503 || status === 429 ? { 'retry-after': RETRY_AFTER_SECONDS } : undefined
    return json(status, { success: false, code: outcome.code, message: outcome.message }, headers, patience)
  }
  const { events, receipts, refusals } = outcome
  const quarantined = refusals.map(({ index, kept: { id, code, message } }) => ({ index, id, code, message }))
  return json(200, { success: true, accepted: events.length, quarantined, ...(receipts && { events: receipts }) }, headers)
}

/** A code that puts one event aside refuses a whole body as a bad request. */
function refusalStatus({ code }: Rejection): number {
  const { status } = rejections[code]
  return status === 200 ? 400 : status
}

export const cacheable = (body: object, seconds: number, headers: Headers): Answer =>
  json(200, body, headers, { 'cache-control': `public, max-age=${seconds}` })

const json = (statusCode: number, body: object, headers: Headers, more?: Record<string, string>): Answer => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...corsHeaders(headers), ...more },
  body: JSON.stringify(body),
})
