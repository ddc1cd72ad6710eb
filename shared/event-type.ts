import * as z from 'zod/mini'
import { formatCount, MAX_TEXT_CHARACTERS } from './limits.ts'
import type { Rejection } from './rejections.ts'
import { EARLIEST, LATEST, parseInstant, secondsToMicros, wholeSeconds } from './time.ts'

export type Fields = Readonly<Record<string, z.ZodMiniType>>

export type Row<F extends Fields> = keyof F extends never
  ? unknown
  : z.output<z.ZodMiniObject<{ -readonly [K in keyof F]: F[K] }>>

/** The definition of one event type of the catalogue. Validation, columns, index fields, JSON Schema and docs derive from it. */
export interface EventType<Data = unknown> {
  readonly name: string
  /** One sentence for the docs. */
  readonly about: string
  /** Fields of a raw row. A nullable field may also be absent. Extra fields are stored in the column `data`. */
  readonly fields: Fields
  /** Fields that `conform` adds. */
  readonly added: Fields
  /** The field of a raw row that holds the event's id. */
  readonly idField: string
  /** Values for sample events, by field: what rows need in order to be accepted, and the definition of the fields does not say. */
  readonly samples?: Readonly<Record<string, readonly unknown[]>>
  /** Whether events of this type have users. Projections fold no type without users. */
  readonly hasUsers: boolean
  /** The user of a conformed row; null if it has none. */
  user(data: Data): string | null
  /** The time of the event in the row; undefined if the row has none or it is outside the years 0001 to 9999. */
  time(data: Data): bigint | undefined
  /** Normalises the fields of a valid row, or rejects it. */
  conform(row: Data): Data | Rejection
  /** What the response to the sender contains for each event of this type, if anything. */
  receipt?(data: Data): unknown
}

export const integer = () => z.int()

export const number = () => z.number()

/** Text of at most `most` code points. */
export const text = (most = MAX_TEXT_CHARACTERS) =>
  z
    .string()
    .check(
      z.refine(value => value.length <= most || [...value].length <= most, {
        error: `must have at most ${formatCount(most)} characters.`,
      }),
    )
    .register(z.globalRegistry, { maxLength: most })

export const flag = () => z.boolean()

/** `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC, in the years 0001 to 9999. */
export const dateTime = () =>
  z.string().check(
    z.regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/, {
      error: 'must have the form YYYY-MM-DD HH:MM:SS[.ffffff], in UTC.',
    }),
    z.refine(value => parseInstant(`${value}Z`) !== undefined, { error: 'must be an existing time in the years 0001 to 9999.' }),
  )

const NOT_EPOCH_SECONDS = {
  error:
    'is out of range; it must be seconds since 1970, not milliseconds, ' +
    `from ${wholeSeconds(EARLIEST)} to less than ${wholeSeconds(LATEST) + 1}.`,
}

/** Seconds since 1970 with decimals, in the years 0001 to 9999. */
export const epochSeconds = () =>
  z.number().check(
    z.gte(wholeSeconds(EARLIEST), NOT_EPOCH_SECONDS),
    z.lt(wholeSeconds(LATEST) + 1, NOT_EPOCH_SECONDS),
    z.refine(seconds => secondsToMicros(seconds) !== undefined, NOT_EPOCH_SECONDS),
  )

/** The value or null. An absent field becomes null. */
export const nullable = <T extends z.ZodMiniType>(schema: T) => z._default(z.nullable(schema), null)

export function defineEvent<F extends Fields, A extends Fields = Record<never, never>>(definition: {
  name: string
  about: string
  fields: F
  added?: A
  idField?: string
  samples?: Readonly<Record<string, readonly unknown[]>>
  /** Null for a type without users. */
  user: ((data: Row<F> & Row<A>) => string | null) | null
  time?: (data: Row<F> & Row<A>) => bigint | undefined
  conform?: (row: Row<F>) => (Row<F> & Row<A>) | Rejection
  receipt?: (data: Row<F> & Row<A>) => unknown
}): EventType<Row<F> & Row<A>> {
  type Data = Row<F> & Row<A>
  return {
    idField: 'event_id',
    time: () => undefined,
    ...definition,
    hasUsers: definition.user !== null,
    user: definition.user ?? (() => null),
    added: definition.added ?? {},
    conform: (definition.conform ?? ((row: Row<F>) => row)) as (row: Data) => Data | Rejection,
  }
}
