import type * as z from 'zod/mini'
import type { Event } from './event.ts'
import type { EventType } from './event-type.ts'
import { floorTo } from './time.ts'

/** What a projection shows of a state in OpenSearch and in the API: a JSON object with the projection's shape. */
export type Document = Readonly<Record<string, unknown>>

/** The response body of GET /v1/users/{id}: the user's documents, by projection name. Windows are newest first. */
export interface UserView {
  readonly user: string
  readonly states: Readonly<Record<string, Document>>
  readonly windows: Readonly<Record<string, readonly Document[]>>
}

interface Common<Data, State> {
  /** Lower-case words joined by dashes: the alias in OpenSearch and the name in routes. */
  readonly name: string
  /** Part of every key. Raise it when the fold changes, so that the new fold never reads states of the old one. */
  readonly revision: number
  /** The type of the events that are folded. */
  readonly on: EventType<Data>
  initial(): State
  /** The shape of the document. The index mapping derives from it. */
  readonly shape: z.ZodMiniObject
}

/** One state and one document per user. */
export interface UserProjection<Data = unknown, State = unknown> extends Common<Data, State> {
  readonly scope: 'user'
  /** The document field that holds the user. */
  readonly key: string
  fold(state: State, event: Event<NoInfer<Data>>): State
  document(state: State, user: string): Document
}

interface Windowed<Data, State> extends Common<Data, State> {
  /** Length of a window in seconds. Windows are half-open, [start, start + length), and aligned to 1970. */
  readonly window: number
  /** The time that decides the window of an event: epoch seconds with decimals. */
  at(event: Event<NoInfer<Data>>): number
  /** Whether to fold the event. */
  where(event: Event<NoInfer<Data>>): boolean
  /** Folds an event into a delta. A delta starts from `initial` and holds the events of one write of one user and window. */
  fold(delta: State, event: Event<NoInfer<Data>>): State
}

/** One state and one document per user and window. */
export interface UserWindowProjection<Data = unknown, State = unknown> extends Windowed<Data, State> {
  readonly scope: 'user window'
  readonly key: string
  merge(stored: State, delta: State): State
  document(state: State, at: { readonly user: string; readonly start: number }): Document
}

/** One document per window over all users. Its state is divided into slots, so that many users can be written at once. */
export interface WindowProjection<Data = unknown, State = unknown> extends Windowed<Data, State> {
  readonly scope: 'window'
  /** Number of slots of a window. A change needs a new revision. */
  readonly slots: number
  /**
   * Merges a delta into a slot; `firstOfUser` is whether the slot has no delta of its user yet. It also merges the slots of a
   * window into the document's state, with `firstOfUser` true, because each user is in only one slot.
   */
  merge(stored: State, delta: State, about: { readonly firstOfUser: boolean }): State
  document(state: State, at: { readonly start: number }): Document
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue lists projections with different data and state types
export type Projection = UserProjection<any, any> | UserWindowProjection<any, any> | WindowProjection<any, any>

export const perUser = <Data, State>(definition: Omit<UserProjection<Data, State>, 'scope'>): UserProjection<Data, State> => ({
  scope: 'user',
  ...definition,
})

const foldAll = { where: () => true }

export const perUserWindow = <Data, State>(
  definition: Omit<UserWindowProjection<Data, State>, 'scope' | 'where'> & Partial<Pick<Windowed<Data, State>, 'where'>>,
): UserWindowProjection<Data, State> => ({ scope: 'user window', ...foldAll, ...definition })

export const perWindow = <Data, State>(
  definition: Omit<WindowProjection<Data, State>, 'scope' | 'where'> & Partial<Pick<Windowed<Data, State>, 'where'>>,
): WindowProjection<Data, State> => ({ scope: 'window', ...foldAll, ...definition })

/** A window length of one minute, in seconds. */
export const MINUTE_SECONDS = 60

/** The start of the event's window in epoch seconds. */
export const windowStart = (projection: Pick<Windowed<unknown, unknown>, 'window' | 'at'>, event: Event): number =>
  floorTo(projection.at(event), projection.window)

/** Name and revision. States, windows and indices are stored under this key. */
export const projectionKey = (projection: Pick<Projection, 'name' | 'revision'>): string =>
  `${projection.name}-r${projection.revision}`
