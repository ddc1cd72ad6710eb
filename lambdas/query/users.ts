import {
  type Document,
  type Projection,
  projectionKey,
  type UserProjection,
  type UserView,
  type UserWindowProjection,
} from '../../shared/projection.ts'
import type { UserItem, WindowItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'

/** A response holds this many windows of each projection, newest first. */
const WINDOWS_PER_PROJECTION = 100

type WindowItems = ReadonlyMap<UserWindowProjection, readonly WindowItem[]>

/** Reads all states and the newest windows of a user from the state table. Undefined when the table has no such user. */
export async function readUser(
  user: string,
  table: Pick<StateTable, 'readUser' | 'windowsOf'>,
  projections: readonly Projection[],
): Promise<UserView | undefined> {
  const windowed = projections.filter(projection => projection.scope === 'user window')
  const [item, ...windows] = await Promise.all([
    table.readUser(user),
    ...windowed.map(projection => table.windowsOf(user, projectionKey(projection), WINDOWS_PER_PROJECTION)),
  ])
  return item && describeUser(item, projections, new Map(windowed.map((projection, at) => [projection, windows[at] ?? []])))
}

/**
 * The documents of a user's items. An erasure keeps the user's item without states, and hides the windows up to it: a user with
 * nothing else is undefined.
 */
export function describeUser(item: UserItem, projections: readonly Projection[], windowItems: WindowItems): UserView | undefined {
  const states = statesOf(item, projections)
  const windows = windowsOf(item, windowItems)
  if (item.erasedOrder > 0 && states.length === 0 && windows.length === 0) return undefined
  return { user: item.user, states: Object.fromEntries(states), windows: Object.fromEntries(windows) }
}

const statesOf = ({ user, states }: UserItem, projections: readonly Projection[]): (readonly [string, Document])[] =>
  projections
    .filter((projection): projection is UserProjection => projection.scope === 'user' && projectionKey(projection) in states)
    .map(projection => [projection.name, projection.document(states[projectionKey(projection)], user)])

const windowsOf = ({ erasedOrder }: UserItem, windowItems: WindowItems): (readonly [string, readonly Document[]])[] =>
  [...windowItems]
    .map(([projection, items]): readonly [string, readonly Document[]] => [
      projection.name,
      items
        .filter(({ version }) => version > erasedOrder)
        .slice(0, WINDOWS_PER_PROJECTION)
        .map(({ user, start, state }) => projection.document(state, { user, start })),
    ])
    .filter(([, documents]) => documents.length > 0)
