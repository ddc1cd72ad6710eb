import * as z from 'zod/mini'
import type { EventType } from '../event-type.ts'

import type { Projection } from '../projection.ts'
import type { RejectionCode } from '../rejections.ts'
import type { Report, ReportColumn, ReportTable } from '../report.ts'

/** What the document is made from, beside the routes. */
export interface Catalogue {
  readonly eventTypes: readonly EventType[]
  readonly projections: readonly Projection[]
  readonly reports: readonly Report[]
}

export type Schema = Readonly<Record<string, unknown>>

/** What the document says of one operation beyond its route. */
export interface Detail {
  /** As OpenAPI writes it. */
  readonly path: string
  /** In place of the route's own sentence. */
  readonly about?: string
  readonly parameters: readonly object[]
  readonly body?: Schema
  /** The answer with status 200. */
  readonly ok: Schema
  readonly contentType?: string
  /** Refusals beside those of keys. */
  readonly codes: readonly RejectionCode[]
  /** What a 503 may hold as well. */
  readonly unhealthy?: Schema
}

export const text: Schema = { type: 'string' }
export const textOrNull: Schema = { type: ['string', 'null'] }
export const wholeNumber: Schema = { type: 'integer', minimum: 0 }
export const time: Schema = { type: 'string', format: 'date-time' }

/** An object with just these fields, all of them there. */
export const exactly = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

export const listOf = (items: Schema): Schema => ({ type: 'array', items })
export const byName = (values: Schema): Schema => ({ type: 'object', additionalProperties: values })

/** One page: the rows, and where the next one begins. */
export const pageOf = (row: Schema): Schema => exactly({ data: listOf(row), cursor: textOrNull })

/** The gateway's own refusals have a message and no code. */
export const errorSchema = (codes: readonly RejectionCode[]): Schema => ({
  type: 'object',
  properties: { success: { const: false }, code: { enum: [...new Set(codes)] }, message: text },
  required: ['message'],
})

export const query = (name: string, description: string, schema: Schema): object => ({ name, in: 'query', description, schema })

export const limit = query('limit', 'How many at most.', { type: 'integer', minimum: 1, maximum: 1000, default: 100 })

/** The JSON Schema of a shape, without the dialect it is written in. */
function jsonSchema(shape: z.ZodMiniType, io: 'input' | 'output'): Schema {
  const { $schema, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any' })
  return schema
}

export const documentSchema = (shape: z.ZodMiniObject): Schema => jsonSchema(shape, 'output')

/** A raw row as a client sends it. */
export const rowSchema = ({ fields, idField }: EventType): Schema => {
  const schema = jsonSchema(z.object(fields), 'input') as Schema & { properties: object }
  return { ...schema, properties: { ...schema.properties, [idField]: { type: 'string', minLength: 1, maxLength: 128 } } }
}

/** A raw event as OpenSearch holds it: its envelope, the fields of its type, and the rest in `data`. */
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
