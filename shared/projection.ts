import type * as z from 'zod/mini'
import type { Event } from './event.ts'
import type { EventType } from './event-type.ts'

/** What a projection shows in OpenSearch and in the API; any JSON object that fits the projection's shape. */
export type Document = Readonly<Record<string, unknown>>

/** The response body of GET /v1/users/{id}: the user's documents, by projection name. Windows are newest first. */
export interface UserView {
  readonly user: string
  readonly states: Readonly<Record<string, Document>>
  readonly windows: Readonly<Record<string, readonly Document[]>>
}

interface Common<Data, State> {
  /** Lower-case words with dashes: the alias in OpenSearch and the name in routes. */
  readonly name: string
  /** Part of every key: raise it when the fold changes, so that it never reads states of the old one. */
  readonly revision: number
  readonly on: EventType<Data>
  initial(): State
  /** The shape of the document, from which the index mapping derives. */
  readonly shape: z.ZodMiniObject
}

/** One state and one document a user. */
export interface UserProjection<Data = unknown, State = unknown> extends Common<Data, State> {
  readonly scope: 'user'
  /** The document field that holds the user. */
  readonly key: string
  fold(state: State, event: Event<NoInfer<Data>>): State
  document(state: State, user: string): Document
}

interface Windowed<Data, State> extends Common<Data, State> {
  /** Length of a window in seconds; windows are half-open [start, start + length) and aligned to 1970. */
  readonly window: number
  /** The epoch second, with decimals, that places an event in its window. */
  at(event: Event<NoInfer<Data>>): number
  /** Events that do not pass are not folded. */
  where(event: Event<NoInfer<Data>>): boolean
  /** One write's events of one user and window, folded from `initial`: the contribution. */
  fold(contribution: State, event: Event<NoInfer<Data>>): State
}

/** One state and one document a user and window. */
export interface UserWindowProjection<Data = unknown, State = unknown> extends Windowed<Data, State> {
  readonly scope: 'user window'
  readonly key: string
  merge(stored: State, contribution: State): State
  document(state: State, at: { readonly user: string; readonly start: number }): Document
}

/** One document a window over all users; its state is kept in slots, so that many users can write at once. */
export interface WindowProjection<Data = unknown, State = unknown> extends Windowed<Data, State> {
  readonly scope: 'window'
  /** How many slots a window has; changing it needs a new revision. */
  readonly slots: number
  /** `firstOfUser`: the stored state holds nothing of this contribution's user yet. Slots are merged by it too, then always true. */
  merge(stored: State, contribution: State, about: { readonly firstOfUser: boolean }): State
  document(state: State, at: { readonly start: number }): Document
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds projections of every data and state type side by side
export type Projection = UserProjection<any, any> | UserWindowProjection<any, any> | WindowProjection<any, any>

export const perUser = <Data, State>(definition: Omit<UserProjection<Data, State>, 'scope'>): UserProjection<Data, State> => ({
  scope: 'user',
  ...definition,
})

const all = { where: () => true }

export const perUserWindow = <Data, State>(
  definition: Omit<UserWindowProjection<Data, State>, 'scope' | 'where'> & Partial<Pick<Windowed<Data, State>, 'where'>>,
): UserWindowProjection<Data, State> => ({ scope: 'user window', ...all, ...definition })

export const perWindow = <Data, State>(
  definition: Omit<WindowProjection<Data, State>, 'scope' | 'where'> & Partial<Pick<Windowed<Data, State>, 'where'>>,
): WindowProjection<Data, State> => ({ scope: 'window', ...all, ...definition })

export const minute = 60

/** Epoch seconds at which the event's window starts. */
export const windowStart = (projection: Pick<Windowed<unknown, unknown>, 'window' | 'at'>, event: Event): number =>
  Math.floor(projection.at(event) / projection.window) * projection.window

/** Name and revision: what states, windows and indices are kept under. */
export const projectionKey = (projection: Pick<Projection, 'name' | 'revision'>): string =>
  `${projection.name}-r${projection.revision}`
