import * as z from 'zod/mini'
import type { EventType } from '../event-type.ts'
import { DEFAULT_PAGE_ROWS, MAX_NAME_CHARACTERS, MAX_PAGE_ROWS } from '../limits.ts'
import type { Projection } from '../projection.ts'
import type { RejectionCode } from '../rejections.ts'
import type { Report, ReportColumn, ReportTable } from '../report.ts'

/** The part of the catalogue that the document describes. */
export interface Catalogue {
  readonly eventTypes: readonly EventType[]
  readonly projections: readonly Projection[]
  readonly reports: readonly Report[]
}

export type Schema = Readonly<Record<string, unknown>>

/** Details of one operation that its route does not have. */
export interface Detail {
  /** In OpenAPI's syntax. */
  readonly path: string
  /** Replaces the route's `about`. */
  readonly about?: string
  readonly parameters: readonly object[]
  readonly body?: Schema
  /** The schema of the response with status 200. */
  readonly ok: Schema
  readonly contentType?: string
  /** Codes of error responses, in addition to those about keys. */
  readonly codes: readonly RejectionCode[]
  /** A second schema of the response with status 503. */
  readonly unhealthy?: Schema
}

export const text: Schema = { type: 'string' }
export const textOrNull: Schema = { type: ['string', 'null'] }
export const wholeNumber: Schema = { type: 'integer', minimum: 0 }
export const time: Schema = { type: 'string', format: 'date-time' }
/** An id, type or subject. */
export const nameText: Schema = { type: 'string', minLength: 1, maxLength: MAX_NAME_CHARACTERS }

/** An object with exactly these fields, all required. */
export const exactly = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

export const listOf = (items: Schema): Schema => ({ type: 'array', items })
export const byName = (values: Schema): Schema => ({ type: 'object', additionalProperties: values })

/** A page of rows, with the cursor of the next page. */
export const pageOf = (row: Schema): Schema => exactly({ data: listOf(row), cursor: textOrNull })

/** An error response. Errors of API Gateway itself have a message but no code. */
export const errorSchema = (codes: readonly RejectionCode[]): Schema => ({
  type: 'object',
  properties: { success: { const: false }, code: { enum: [...new Set(codes)] }, message: text },
  required: ['message'],
})

export const query = (name: string, description: string, schema: Schema): object => ({ name, in: 'query', description, schema })

export const limit = query('limit', 'Maximum number of rows.', {
  type: 'integer',
  minimum: 1,
  maximum: MAX_PAGE_ROWS,
  default: DEFAULT_PAGE_ROWS,
})

/** The JSON Schema of a shape, without `$schema`. */
function jsonSchema(shape: z.ZodMiniType, io: 'input' | 'output'): Schema {
  const { $schema, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any' })
  return schema
}

export const documentSchema = (shape: z.ZodMiniObject): Schema => jsonSchema(shape, 'output')

/** A raw row as a client sends it. */
export const rowSchema = ({ fields, idField }: EventType): Schema => {
  const schema = jsonSchema(z.object(fields), 'input') as Schema & { properties: object }
  return { ...schema, properties: { ...schema.properties, [idField]: nameText } }
}

/** A raw event as stored in OpenSearch: its envelope, the fields of its type, and all other fields in `data`. */
export function rawEventSchema({ fields, added }: EventType): Schema {
  const { properties } = jsonSchema(z.object({ ...fields, ...added }), 'output') as { properties: object }
  const envelope = { event_id: text, event_type: text, subject: textOrNull, source: text, event_time: time, received: time }
  return { type: 'object', properties: { ...properties, ...envelope, data: { type: 'object' } }, required: Object.keys(envelope) }
}

const columnTypes: Readonly<Record<ReportColumn['type'], Schema>> = {
  date: { type: 'string', format: 'date' },
  timestamp: time,
  string: textOrNull,
  bigint: { type: ['integer', 'null'] },
  double: { type: ['number', 'null'] },
}

export const reportRowSchema = ({ columns }: Pick<ReportTable, 'columns'>): Schema => ({
  type: 'object',
  properties: Object.fromEntries(
    columns.map(({ name, type, about }) => [name, { ...(columnTypes[type] ?? {}), description: about }]),
  ),
  required: columns.map(({ name }) => name),
})
