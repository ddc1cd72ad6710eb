import {
  formatBytes,
  formatCount,
  MAX_BODY_BYTES,
  MAX_EVENT_BYTES,
  MAX_EVENTS_PER_REQUEST,
  MAX_RECORD_DELTA_BYTES,
  MAX_STATE_BYTES,
} from './limits.ts'

/** The code of every rejection, its HTTP status, and what to do about it. Codes with status 200 quarantine a single event. */
export const rejections = {
  malformed_json: {
    status: 400,
    help: 'The body or the event is not valid JSON. Send a JSON object, an array of objects, or one object per line (NDJSON).',
  },
  key_missing: {
    status: 401,
    help: 'The request has no key. Send a key with the scope that this route needs: Authorization: Bearer KEY.',
  },
  key_unknown: {
    status: 401,
    help: 'This key does not exist, was revoked or has expired. Create a key with `millrace keys create`.',
  },
  key_conflict: { status: 401, help: 'The request has two different keys. Send only one.' },
  key_scope: { status: 403, help: 'This key does not have the scope that this route needs. Use a key with that scope.' },
  key_origin: {
    status: 403,
    help: 'This key may not be used by web pages of this origin. Add the origin with `millrace keys change`, or use another key.',
  },
  unknown_type: {
    status: 404,
    help: 'The catalogue has no event type of this name. Send the event to POST /v1/events, or define the type.',
  },
  not_found: { status: 404, help: 'Nothing was found here. GET /v1/openapi.json lists the routes.' },
  body_too_large: {
    status: 413,
    help: `The body is larger than ${formatBytes(MAX_BODY_BYTES)} after decompression; the context of a batch counts once per event. Send smaller batches.`,
  },
  unsupported_format: {
    status: 415,
    help: 'This CloudEvents format or this compression is not supported. Send JSON, uncompressed or as gzip.',
  },
  rate_limited: {
    status: 429,
    help: 'The quota of this key is used up. Wait for the seconds in Retry-After, then send again.',
  },
  internal_error: {
    status: 500,
    help: 'The request met a bug of the server, so it is not confirmed. The reason is in the log of the function: `millrace logs`. Send it again when the bug is fixed.',
  },
  unavailable: {
    status: 503,
    help: 'A store is not reachable. Nothing was lost. Send the request again after the seconds in Retry-After.',
  },
  search_off: { status: 501, help: 'This stage has no OpenSearch. Turn it on in infra/settings.ts and deploy the stage.' },
  invalid_request: { status: 400, help: 'A parameter is invalid. GET /v1/openapi.json lists the valid parameters.' },
  invalid_event: { status: 200, help: 'The event does not match the schema of its type. Fix the event and send it again.' },
  source_not_allowed: {
    status: 200,
    help: 'This key may not send events with the source that the event claims. Give it the source with `millrace keys change`, then replay the event.',
  },
  type_not_allowed: {
    status: 200,
    help: 'This key may not send events of this type. Give it the type with `millrace keys change`, then replay the event.',
  },
  signature_invalid: {
    status: 200,
    help: 'Traits of a user from a client key need the user_signature of the user by the secret of the key. Sign the user on your server and send them again.',
  },
  event_too_large: {
    status: 200,
    help: `The data of the event, with the context of its batch, is larger than ${formatBytes(MAX_EVENT_BYTES)}. Send a smaller event.`,
  },
  too_many_events: {
    status: 200,
    help: `The request has more than ${formatCount(MAX_EVENTS_PER_REQUEST)} events. Send the events after the limit in another request.`,
  },
  date_invalid: {
    status: 200,
    help: 'The date must be an existing day, written as in 2026-01-31, 31/01/2026 or 31 Jan 2026. Fix it and send the record again.',
  },
  date_missing: { status: 200, help: 'The record has no date. Add it and send the record again.' },
  country_missing: { status: 200, help: 'The record has no country. Add it and send the record again.' },
  record_refused: {
    status: 200,
    help: 'Kinesis never accepts the record of this event. Find out why from the reason, fix it, then replay the event.',
  },
  projection_failed: {
    status: 200,
    help: 'A projection threw an error on this event. Fix the projection, then replay the event.',
  },
  state_too_large: {
    status: 200,
    help:
      'With this event, a state of its user would be larger than its share of the item ' +
      `(${formatBytes(MAX_STATE_BYTES)} for all projections), or its record would add more than ` +
      `${formatBytes(MAX_RECORD_DELTA_BYTES)} to windows. Make the state of the projection smaller, then replay the event.`,
  },
  retry_budget_spent: {
    status: 200,
    help: 'The state function did not survive this event: it hung or ended the process. Fix the projection, then replay the event.',
  },
  record_unread: {
    status: 200,
    help: 'Lambda gave up the batch of the event, and no state contains it. Replay it with `millrace quarantine replay`.',
  },
  not_archived: { status: 200, help: 'Firehose could not convert the event. Fix the archive table, then replay the event.' },
  not_indexed: {
    status: 200,
    help: 'The event expired from the stream before OpenSearch had indexed it. Replay it with `millrace quarantine replay`.',
  },
  not_merged: {
    status: 200,
    help: 'Fix the code of the projection under the same revision, deploy, and replay the delta. A smaller state or more slots need a new revision.',
  },
  changes_unread: {
    status: 200,
    help: 'A batch of changes of the state table expired before its documents were written. Run `millrace reindex`.',
  },
  document_refused: {
    status: 200,
    help: 'OpenSearch rejected the document. Fix the mapping, then run `millrace reindex`; for a raw event, replay it instead.',
  },
} as const

export type RejectionCode = keyof typeof rejections

/** Marks a rejection. A symbol, because the data of a client may have a `code` and a `message`, too. */
const rejected = Symbol('rejected')

/** Why an event or a request is not accepted: a code and a message that says how to fix it. */
export interface Rejection {
  readonly code: RejectionCode
  readonly message: string
  /** After how many seconds to send the request again, if it is known. */
  readonly retryAfter?: number
  readonly [rejected]: true
}

export const reject = (code: RejectionCode, message: string = rejections[code].help, retryAfter?: number): Rejection => ({
  code,
  message,
  ...(retryAfter !== undefined && { retryAfter }),
  [rejected]: true,
})

export const isRejection = (value: unknown): value is Rejection =>
  typeof value === 'object' && value !== null && rejected in value
