import type * as z from 'zod/mini'
import type { Event } from './event.ts'
import type { EventType } from './event-type.ts'
import type { Document, Grain } from './grain.ts'
import { asStored } from './stored-json.ts'

/** The response body of GET /v1/users/{id}: the user's documents, by projection name. Windows are newest first. */
export interface UserView {
  readonly user: string
  readonly states: Readonly<Record<string, Document>>
  readonly windows: Readonly<Record<string, readonly Document[]>>
  /** Projections whose documents are left out of `states`, because the response would be too large. Absent: none. */
  readonly statesOmitted?: readonly string[]
}

// biome-ignore lint/suspicious/noExplicitAny: a projection may fold types with different rows
export type EventTypes = readonly EventType<any>[]

/** An event of one of these types. */
export type EventOf<Types extends EventTypes> = Types[number] extends EventType<infer Data> ? Event<Data> : never

/** What the projections of all grains define. */
export interface ProjectionBase<Types extends EventTypes, State> {
  /** Lower-case words joined by dashes: the alias in OpenSearch and the name in routes. */
  readonly name: string
  /** Part of every key. Raise it when the fold changes, so that the new fold never reads states of the old one. */
  readonly revision: number
  readonly grain: Grain
  /** The types of the events that are folded. */
  readonly on: Types
  initial(): State
  /**
   * Folds an event into a state, or into a delta of a window. State and event are frozen. The result must be plain JSON data,
   * because the store returns its JSON round trip.
   */
  fold(state: State, event: EventOf<Types>): State
  /** The shape of the document. The index mapping derives from it. */
  readonly shape: z.ZodMiniObject
}

/** A projection of any grain. Only its grain knows what else it defines. */
// biome-ignore lint/suspicious/noExplicitAny: the catalogue lists projections with different data and state types
export type Projection = ProjectionBase<any, any>

/** The names of the event types that the projection folds. */
export const typeNames = ({ on }: Pick<Projection, 'on'>): string[] => (on as EventTypes).map(({ name }) => name)

/** Whether the projection folds events of this type. */
export const folds = (projection: Pick<Projection, 'on'>, type: string): boolean => typeNames(projection).includes(type)

/** A projection with its key. */
export interface KeyedProjection {
  readonly projection: Projection
  readonly key: string
}

const byType = new WeakMap<readonly Projection[], ReadonlyMap<string, readonly KeyedProjection[]>>()
const NONE: readonly KeyedProjection[] = []

/** Those of the projections that fold events of this type. */
export function projectionsOf(projections: readonly Projection[], type: string): readonly KeyedProjection[] {
  const known = byType.get(projections) ?? groupedByType(projections)
  byType.set(projections, known)
  return known.get(type) ?? NONE
}

function groupedByType(projections: readonly Projection[]): ReadonlyMap<string, readonly KeyedProjection[]> {
  const pairs = projections.flatMap(projection =>
    typeNames(projection).map(type => ({ type, projection, key: projectionKey(projection) })),
  )
  return Map.groupBy(pairs, ({ type }) => type)
}

/** Name and revision. States, windows and indices are stored under this key. */
export const projectionKey = (projection: Pick<Projection, 'name' | 'revision'>): string =>
  `${projection.name}-r${projection.revision}`

/** Returns the projections. Throws if one folds a type without users: its events would be in no state, without any report. */
export function checkProjections(projections: readonly Projection[]): readonly Projection[] {
  for (const { name, on } of projections)
    for (const type of on as EventTypes)
      if (!type.hasUsers) throw new Error(`The projection ${name} folds ${type.name}, whose events have no user.`)
  return projections
}

const initials = new WeakMap<object, unknown>()

/** The state before the first event, frozen. Throws a SafeError if it is not JSON data. `initial` is pure: it is called once. */
export function initialState(projection: Pick<Projection, 'initial'>): unknown {
  const known = initials.get(projection)
  if (known !== undefined) return known
  const state: unknown = asStored(projection.initial())
  initials.set(projection, state)
  return state
}

const keyed = new WeakMap<readonly Projection[], ReadonlyMap<string, Projection>>()

/** The projections by their key. */
export function byKey(projections: readonly Projection[]): ReadonlyMap<string, Projection> {
  const known = keyed.get(projections) ?? new Map(projections.map(projection => [projectionKey(projection), projection]))
  keyed.set(projections, known)
  return known
}
