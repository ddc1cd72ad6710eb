const KB = 2 ** 10
const MB = 2 ** 20

/** Largest request body in bytes, both as received and after decompression. */
export const MAX_BODY_BYTES = 4 * MB

/** Largest request body without a key in a header or the URL, in bytes, both as received and after decompression. */
export const MAX_KEYLESS_BYTES = 512 * KB

/**
 * Largest data of an event as it is stored, as JSON in bytes of UTF-8: with the context that its batch shares. The other fields of an
 * event have limits of their own, so a line of the stream is always far smaller than a record may be.
 */
export const MAX_EVENT_BYTES = 32 * KB

/**
 * Largest data of an event that the state function folds, as JSON in bytes of UTF-8. Ingest writes less: a row gains nothing but the
 * fields that its type got since. An event that is rejected must fit into an item of DynamoDB, as JSON text in JSON.
 */
export const MAX_FOLDABLE_BYTES = 2 * MAX_EVENT_BYTES

/** Most events accepted from one request. The events after it are quarantined as `too_many_events`. */
export const MAX_EVENTS_PER_REQUEST = 2500

/** Most elements of one request. Elements after the event limit are quarantined one by one; this limits the time that it takes. */
export const MAX_ELEMENTS_PER_REQUEST = 4 * MAX_EVENTS_PER_REQUEST

/** Deepest nesting of an event; the event itself is level 1. */
export const MAX_DEPTH = 32

/** Deepest nesting of a body that is parsed. Dialects take events out of at most a few levels, so what is deeper is in no valid event. */
export const MAX_PARSED_DEPTH = 2 * MAX_DEPTH

/** Most named fields of an event, at all depths. */
export const MAX_FIELDS = 2000

/** Longest id, type and subject, in code points. */
export const MAX_NAME_CHARACTERS = 128

/** Longest source, in code points. */
export const MAX_SOURCE_CHARACTERS = 256

/** Longest text of a catalogued field that does not state another length, in code points. */
export const MAX_TEXT_CHARACTERS = 1024

/** Longest URL of a catalogued field, in code points. */
export const MAX_URL_CHARACTERS = 8192

/** Most texts that the tally of a user counts. */
export const MAX_TALLY_TEXTS = 1000

/** Most bytes of a rejected event that the quarantine keeps. A longer one keeps its beginning, and cannot be replayed. */
export const MAX_QUARANTINED_BYTES = 64 * KB

/** Most items that the rejected events of one request become in the quarantine's table. More events become one bundle. */
export const MAX_ITEMS_PER_REQUEST = 10

/** Most events in one stream record. */
export const MAX_EVENTS_PER_RECORD = 500

/** Largest stream record in bytes. */
export const MAX_RECORD_BYTES = 256 * KB

/** Most records in one PutRecords call. Kinesis accepts 500 records and 10 MiB. */
export const RECORDS_PER_CALL = 500

/** Most bytes in one PutRecords call. */
export const BYTES_PER_CALL = 4 * MB

/** Bytes of a user's states, as JSON. Each projection has an equal share. */
export const MAX_STATE_BYTES = 250_000

/** The share of a projection, however many there are. */
export const MIN_STATE_SHARE_BYTES = 20_000

/**
 * Most bytes of states with those of projections that are not deployed. A DynamoDB item may have 400 KB: 120 KB remain for the
 * deltas, and 11 KB for the key, the identities and the other attributes.
 */
export const MAX_ITEM_STATE_BYTES = 278_000

/** Most bytes of JSON that one stream record may add to the windows of a user, as the item stores it. */
export const MAX_RECORD_DELTA_BYTES = 120_000

/** Largest JSON of a window's or slot's state, in bytes. The rest of the item's 400 KB is for the users of a slot. */
export const MAX_WINDOW_STATE_BYTES = 200_000

/** Rows on one page when the request has no `limit`. */
export const DEFAULT_PAGE_ROWS = 100

/** Most rows on one page. */
export const MAX_PAGE_ROWS = 1000

/** Most bytes of a page, as JSON in UTF-8. It ends before the row that would exceed them, and its cursor continues there. */
export const MAX_PAGE_BYTES = 4 * MB

/** Most bytes of a response as Lambda counts it: with the body as a JSON string, or in base64. Lambda accepts 6 MB. */
export const MAX_RESPONSE_BYTES = 5.5 * MB

/** Largest document, as JSON in bytes of UTF-8. A larger one is not written. */
export const MAX_DOCUMENT_BYTES = MB

/** A count with separators for messages: `2,500`. */
export const formatCount = (count: number): string => count.toLocaleString('en-US')

/** A size in bytes for messages: `4 MB` or `32 KB` (1 KB is 1,024 bytes), or `250,000 bytes` if it is not a multiple of 1 KB. */
export function formatBytes(bytes: number): string {
  if (bytes % MB === 0) return `${formatCount(bytes / MB)} MB`
  if (bytes % KB === 0) return `${formatCount(bytes / KB)} KB`
  return `${formatCount(bytes)} bytes`
}

/** Longest form of one code point in JSON, in bytes of UTF-8: a control character as `\u0000`. */
const JSON_BYTES_PER_CHARACTER = 6

/** Characters of the digest in a cursor. */
export const CURSOR_DIGEST_CHARACTERS = 12

/** The longest position of a page is that of a raw event: its arrival, its id, its source and its subject, as JSON. */
const MAX_POSITION_BYTES =
  CURSOR_DIGEST_CHARACTERS +
  '["","9999-12-31T23:59:59.999999Z","","",""]'.length +
  JSON_BYTES_PER_CHARACTER * (2 * MAX_NAME_CHARACTERS + MAX_SOURCE_CHARACTERS)

/** Longest cursor, in characters: the longest position in base64. */
export const MAX_CURSOR_CHARACTERS = Math.ceil((MAX_POSITION_BYTES * 4) / 3)
