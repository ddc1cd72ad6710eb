const KB = 2 ** 10
const MB = 2 ** 20

/** Largest request body in bytes, as it arrives and after decompression. */
export const MAX_BODY_BYTES = 4 * MB

/** Largest single event as it was sent, in bytes of UTF-8. */
export const MAX_EVENT_BYTES = 32 * KB

/** Most events of one request; further ones are quarantined as `too_many_events`. */
export const MAX_EVENTS_PER_REQUEST = 2500

/** Most elements of one request. Elements after the event limit are quarantined one by one, which must end in time. */
export const MAX_ELEMENTS_PER_REQUEST = 4 * MAX_EVENTS_PER_REQUEST

/** Deepest nesting of an event, counting the event itself. */
export const MAX_DEPTH = 32

/** Most named fields of an event, at all depths. */
export const MAX_FIELDS = 2000

/** Longest id, type and subject, in code points. */
export const MAX_NAME_CHARACTERS = 128

/** Longest source, in code points. */
export const MAX_SOURCE_CHARACTERS = 256

/** Most events in one stream record. */
export const MAX_EVENTS_PER_RECORD = 500

/** Largest stream record in bytes. */
export const MAX_RECORD_BYTES = 256 * KB

/** Records in one PutRecords call; Kinesis accepts 500 records and 10 MiB. */
export const RECORDS_PER_CALL = 500

/** Bytes in one PutRecords call. */
export const BYTES_PER_CALL = 4 * MB

/** Most rows or documents in one response of the API. */
export const MAX_LIMIT = 1000

/** Rows or documents in one response when the request has no `limit`. */
export const DEFAULT_LIMIT = 100

/** Longest form of one code point in JSON, in bytes of UTF-8: a control character as `\u0000`. */
const JSON_BYTES_PER_CHARACTER = 6

/** The longest position of a page is that of a raw event: its arrival, its id and its source, as JSON. */
const MAX_POSITION_BYTES =
  '["9999-12-31T23:59:59.999999Z","",""]'.length + JSON_BYTES_PER_CHARACTER * (MAX_NAME_CHARACTERS + MAX_SOURCE_CHARACTERS)

/** Longest cursor, in characters: the longest position in base64. */
export const MAX_CURSOR_CHARACTERS = Math.ceil((MAX_POSITION_BYTES * 4) / 3)
