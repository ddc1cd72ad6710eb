import { MAX_HINTS } from '../envelope-hints.ts'
import type { EventType } from '../event-type.ts'
import { jobKinds } from '../jobs.ts'
import { MAX_SOURCE_CHARACTERS } from '../limits.ts'
import type { Projection } from '../projection.ts'
import { type RejectionCode, rejections } from '../rejections.ts'
import type { DailyReport, Report, SnapshotReport } from '../report.ts'
import type { RouteKey } from '../route.ts'
import type { KnownRouteKey } from '../routes.ts'
import {
  byName,
  type Catalogue,
  type Detail,
  documentSchema,
  exactly,
  limit,
  listOf,
  nameText,
  pageOf,
  query,
  rawEventSchema,
  reportRowSchema,
  rowSchema,
  type Schema,
  text,
  textOrNull,
  time,
  wholeNumber,
} from './schemas.ts'

const cursor = query('cursor', 'The cursor of the previous page, which ended after `limit` rows or 4 MB.', { type: 'string' })

const bodyCodes: readonly RejectionCode[] = ['malformed_json', 'invalid_event', 'body_too_large', 'unsupported_format']

const envelope: Schema = {
  type: 'object',
  properties: {
    id: nameText,
    source: { ...nameText, maxLength: MAX_SOURCE_CHARACTERS },
    type: nameText,
    subject: nameText,
    time,
    data: {},
  },
  required: ['type'],
}

/** One element or many. An invalid element is quarantined and does not reject the request, so any object or array is allowed. */
const oneOrMany = (element: Schema): Schema => ({
  anyOf: [element, listOf(element), { type: 'object' }, { type: 'array' }],
  description: 'An element that does not match the first schema is quarantined. The response names the code.',
})

const OMITTED = 'How many elements at the end of the list were left out, because the response would be too large.'

const ingestResult: Schema = {
  type: 'object',
  properties: {
    success: { const: true },
    accepted: { ...wholeNumber, description: 'Events that are durable in the stream, re-deliveries included.' },
    quarantined: listOf(exactly({ index: wholeNumber, id: textOrNull, code: text, message: text })),
    quarantinedOmitted: { ...wholeNumber, description: OMITTED },
    events: {
      type: 'array',
      description: 'One receipt per event, in the order sent, for types that return receipts; null if the event was quarantined.',
    },
    eventsOmitted: { ...wholeNumber, description: OMITTED },
    hints: {
      ...listOf(text),
      maxItems: MAX_HINTS,
      description:
        'What the sender may have got wrong, such as fields that are not part of an envelope and were ignored. Absent: nothing.',
    },
  },
  required: ['success', 'accepted', 'quarantined'],
}

const postRows = (type: EventType): Detail => ({
  path: `/v1/events/${type.name}`,
  about: `Raw rows of ${type.name}. ${type.about}`,
  parameters: [],
  body: oneOrMany(rowSchema(type)),
  ok: ingestResult,
  codes: bodyCodes,
})

const readEvents = (type: EventType): Detail => ({
  path: `/v1/events/${type.name}`,
  about: `Recent raw ${type.name} events, newest first, if the stage indexes this type in OpenSearch.`,
  parameters: [limit, cursor],
  ok: pageOf(rawEventSchema(type)),
  codes: ['invalid_request', 'search_off'],
})

const from = query('from', 'Windows that start at or after this instant.', time)
const to = query(
  'to',
  'Windows that start before this instant. Without `from` and `to`, windows that start more than 24 hours from now are left out.',
  time,
)

function readProjection(projection: Projection): Detail {
  const { name, grain, shape } = projection
  const key = query('key', 'Documents of this user or device.', text)
  return {
    path: `/v1/projections/${name}`,
    about: `Documents of ${name}, ${grain.hasWindow ? 'newest window first' : 'by their key'}.`,
    parameters: [
      ...(grain.keyField(projection) === undefined ? [] : [key]),
      ...(grain.hasWindow ? [from, to] : []),
      limit,
      cursor,
    ],
    ok: pageOf(documentSchema(shape)),
    codes: ['invalid_request', 'search_off'],
  }
}

function readReport(report: Report): Detail {
  const { parameters, rows } = report.kind === 'daily' ? dailyRows(report) : snapshotRows(report)
  return {
    path: `/v1/reports/${report.name}`,
    about: report.about,
    parameters: [...parameters, limit, cursor],
    ok: pageOf(rows.length > 1 ? { anyOf: rows } : (rows[0] ?? {})),
    codes: ['invalid_request'],
  }
}

function dailyRows({ tables }: DailyReport) {
  const day = query(
    'date',
    'A UTC day. The default is the newest published day that has an event with a time at most 24 hours after its arrival.',
    { type: 'string', format: 'date' },
  )
  const names = tables.map(({ by }) => by)
  const by = query('by', 'The table to read.', { enum: names, default: names[0] })
  return { parameters: [day, ...(names.length > 1 ? [by] : [])], rows: tables.map(reportRowSchema) }
}

const snapshotRows = (report: SnapshotReport) => ({
  parameters: [query('at', 'The instant of the report. The default is the newest published instant.', time)],
  rows: [reportRowSchema(report)],
})

const userResponse = (projections: readonly Projection[]): Schema => {
  const documentsOf = (some: readonly Projection[], wrap: (schema: Schema) => Schema): Schema => ({
    type: 'object',
    properties: Object.fromEntries(some.map(({ name, shape }) => [name, wrap(documentSchema(shape))])),
  })
  const states = projections.filter(({ grain }) => grain.parts === undefined)
  const windows = projections.filter(({ grain }) => grain.parts?.ofOneUser)
  const view = exactly({ user: text, states: documentsOf(states, schema => schema), windows: documentsOf(windows, listOf) })
  const statesOmitted = {
    ...listOf(text),
    description: 'Projections whose state was left out, because the response would be too large.',
  }
  return { ...view, properties: { ...(view['properties'] as Schema), statesOmitted } }
}

const health: Schema = exactly({
  ok: { type: 'boolean' },
  stores: byName(exactly({ reachable: { type: 'boolean' }, lagSeconds: { type: ['number', 'null'] } })),
})

const metrics: Schema = exactly({
  minutes: listOf(time),
  perMinute: byName(listOf({ type: 'number' })),
  lagSeconds: byName({ type: ['number', 'null'] }),
})

const quarantinedRow = exactly({
  key: text,
  code: text,
  message: text,
  type: textOrNull,
  id: textOrNull,
  keyName: text,
  received: time,
  count: wholeNumber,
  sample: textOrNull,
})
const mayHaveBeenFolded = { const: true, description: 'The states may contain the event already: a replay may count it twice.' }
const quarantinedEvent: Schema = {
  ...quarantinedRow,
  properties: { ...(quarantinedRow['properties'] as Schema), mayHaveBeenFolded },
}

const job: Schema = exactly({
  id: text,
  kind: { enum: [...jobKinds] },
  state: { enum: ['queued', 'running', 'done', 'failed', 'cancelled'] },
  done: wholeNumber,
  total: { type: ['integer', 'null'], minimum: 0 },
  counts: byName(wholeNumber),
  startedAt: time,
  updatedAt: time,
  endedAt: { anyOf: [time, { type: 'null' }] },
  result: {},
  error: textOrNull,
})

const eventType = query('type', 'Only events of this type.', nameText)
const userId = { name: 'id', in: 'path', required: true, schema: nameText }
const code = query('code', 'Only events that were quarantined with this code.', { enum: Object.keys(rejections) })

type DetailsOf = (catalogue: Catalogue) => readonly Detail[]

const knownDetails: Readonly<Partial<Record<KnownRouteKey, DetailsOf>>> = {
  'POST /v1/events': () => [
    { path: '/v1/events', parameters: [], body: oneOrMany(envelope), ok: ingestResult, codes: bodyCodes },
  ],
  'POST /v1/events/{type}': ({ eventTypes }) => eventTypes.map(postRows),
  'GET /v1/events/{type+}': ({ eventTypes }) => eventTypes.map(readEvents),
  'GET /v1/events': () => [
    {
      path: '/v1/events',
      parameters: [eventType, limit, cursor],
      ok: pageOf({ type: 'object' }),
      codes: ['invalid_request', 'search_off'],
    },
  ],
  // The body is not checked, so it has no error codes.
  'POST /v1/m': () => [{ path: '/v1/m', parameters: [], ok: ingestResult, codes: [] }],
  'GET /v1/users/{id+}': ({ projections }) => [
    {
      path: '/v1/users/{id}',
      parameters: [userId, from, to],
      ok: userResponse(projections),
      codes: ['invalid_request', 'not_found'],
    },
  ],
  'GET /v1/users': ({ projections }) => [
    {
      path: '/v1/users',
      parameters: [{ ...userId, in: 'query' }, from, to],
      ok: userResponse(projections),
      codes: ['invalid_request', 'not_found'],
    },
  ],
  'GET /v1/projections/{name}': ({ projections }) => projections.map(readProjection),
  'GET /v1/reports/{name}': ({ reports }) => reports.map(readReport),
  'GET /v1/health': () => [{ path: '/v1/health', parameters: [], ok: health, codes: [], unhealthy: health }],
  'GET /v1/metrics': () => [{ path: '/v1/metrics', parameters: [], ok: metrics, codes: [] }],
  'GET /v1/quarantine': () => [
    { path: '/v1/quarantine', parameters: [code, limit, cursor], ok: pageOf(quarantinedEvent), codes: ['invalid_request'] },
  ],
  'GET /v1/jobs/{id}': () => [
    {
      path: '/v1/jobs/{id}',
      parameters: [{ ...userId, schema: { ...nameText, examples: ['reindex-12'] } }],
      ok: job,
      codes: ['not_found'],
    },
  ],
  'GET /v1/openapi.json': () => [{ path: '/v1/openapi.json', parameters: [], ok: { type: 'object' }, codes: [] }],
  'GET /': () => [{ path: '/', parameters: [], ok: text, contentType: 'text/html', codes: [] }],
}

/** The details of routes. A route without an entry gets default details. */
export const details: Readonly<Partial<Record<RouteKey, DetailsOf>>> = knownDetails
