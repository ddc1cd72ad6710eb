import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { corsHeaders } from '../../shared/cors.ts'
import type { Headers } from '../../shared/http.ts'
import { type Rejection, rejections } from '../../shared/rejections.ts'
import type { ConsolePage } from './console-page.ts'

export type HttpResponse = APIGatewayProxyStructuredResultV2

const RETRY_AFTER_SECONDS = '5'

const commonHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** A JSON response. `headers` are the request's. */
export const json = (status: number, body: unknown, headers: Headers): HttpResponse => ({
  statusCode: status,
  headers: {
    ...corsHeaders(headers),
    ...commonHeaders,
    'content-type': 'application/json',
    ...(status === 503 && { 'retry-after': RETRY_AFTER_SECONDS }),
  },
  body: JSON.stringify(body),
})

export const rejectWith = ({ code, message }: Rejection, headers: Headers): HttpResponse =>
  json(rejections[code].status, { success: false, code, message }, headers)

/** The console page with its Content-Security-Policy. */
export const html = ({ html: body, policy }: ConsolePage): HttpResponse => ({
  statusCode: 200,
  headers: {
    ...commonHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
  },
  body,
})
