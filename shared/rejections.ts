/** Every code a client can be answered with, its HTTP status, and what to do about it. Codes with status 200 put one event into quarantine. */
export const rejections = {
  malformed_json: { status: 400, help: 'Send one JSON value, or one JSON value a line (NDJSON).' },
  key_missing: { status: 401, help: 'Send a key of the scope that the route needs: Authorization: Bearer KEY.' },
  key_unknown: { status: 401, help: 'This key does not exist or was revoked; make one with `millrace keys create`.' },
  key_conflict: { status: 401, help: 'The request carries two different keys; send one.' },
  key_scope: { status: 403, help: 'This key may not do that; use a key of the right scope.' },
  unknown_type: {
    status: 404,
    help: 'No event type of that name is in the catalogue; send it to POST /v1/events, or define it.',
  },
  not_found: { status: 404, help: 'There is nothing here; see GET /v1/openapi.json for the routes.' },
  body_too_large: { status: 413, help: 'The decoded body is larger than 4 MB; send smaller batches.' },
  unsupported_format: { status: 415, help: 'Of the CloudEvents formats only JSON is understood.' },
  rate_limited: { status: 429, help: 'Too many requests with this key; wait as Retry-After says.' },
  unavailable: { status: 503, help: 'A store cannot be reached; nothing was lost, send the request again.' },
  search_off: { status: 501, help: 'This stage runs without OpenSearch.' },
  invalid_request: { status: 400, help: 'A parameter is not as the route wants it.' },
  invalid_event: { status: 200, help: 'The event does not fit its type.' },
  event_too_large: { status: 200, help: 'The event is larger than 32 KB.' },
  too_many_events: { status: 200, help: 'A request may hold 2,500 events; send smaller batches.' },
  date_invalid: { status: 200, help: 'The date is not in one of the understood forms.' },
  date_missing: { status: 200, help: 'The record has no date.' },
  country_missing: { status: 200, help: 'The record has no country.' },
  projection_failed: { status: 200, help: 'A projection threw on this event; mend it and replay.' },
  state_too_large: { status: 200, help: 'With this event the state of its user would pass 250 KB.' },
  retry_budget_spent: { status: 200, help: 'The event could not be folded within the retry budget; replay it.' },
  record_unread: { status: 200, help: 'The stream let go of the event before its state was written; replay it.' },
  not_archived: { status: 200, help: 'Firehose could not convert the event; mend the archive table and replay it.' },
  not_indexed: { status: 200, help: 'The stream let go of the event before OpenSearch had it; replay it.' },
  not_merged: { status: 200, help: 'Give the projection a smaller state or more slots, or mend it, under a new revision.' },
  changes_unread: { status: 200, help: 'The stream of changes let go of a batch; run `millrace reindex`.' },
  document_refused: {
    status: 200,
    help: 'OpenSearch refused the document; mend the mapping, then run `millrace reindex`, or replay a raw event.',
  },
} as const

export type RejectionCode = keyof typeof rejections

/** Marks a rejection: a client's own data may well have a code and a message. */
const rejected = Symbol('rejected')

/** Bad input as a value: a code and a sentence that says how to fix it. */
export interface Rejection {
  readonly code: RejectionCode
  readonly message: string
  readonly [rejected]: true
}

export const reject = (code: RejectionCode, message: string = rejections[code].help): Rejection => ({
  code,
  message,
  [rejected]: true,
})

export const isRejection = (value: object): value is Rejection => rejected in value
