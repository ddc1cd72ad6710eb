import {
  type Document,
  type Projection,
  projectionKey,
  type UserProjection,
  type UserWindowProjection,
} from '../../shared/projection.ts'
import type { UserItem, WindowItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'

/** Windows of each projection in an answer, the newest. */
const WINDOWS_PER_PROJECTION = 100

export interface UserView {
  readonly user: string
  readonly states: Readonly<Record<string, Document>>
  readonly windows: Readonly<Record<string, readonly Document[]>>
}

/** All states and the newest windows of a user, from the state table; undefined for a user that it does not know. */
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

/** What a user's items show. An erasure leaves an item without states, and windows at or before it count as gone: an unknown user. */
export function describeUser(
  item: UserItem,
  projections: readonly Projection[],
  windowItems: ReadonlyMap<UserWindowProjection, readonly WindowItem[]>,
): UserView | undefined {
  const { user } = item
  const states = projections
    .filter((projection): projection is UserProjection => projection.scope === 'user' && projectionKey(projection) in item.states)
    .map(projection => [projection.name, projection.document(item.states[projectionKey(projection)], user)] as const)
  const windows = [...windowItems]
    .map(
      ([projection, items]) =>
        [
          projection.name,
          documentsOf(
            projection,
            items.filter(({ version }) => version > item.erasedOrder),
          ),
        ] as const,
    )
    .filter(([, documents]) => documents.length > 0)
  if (item.erasedOrder > 0 && states.length === 0 && windows.length === 0) return undefined
  return { user, states: Object.fromEntries(states), windows: Object.fromEntries(windows) }
}

const documentsOf = (projection: UserWindowProjection, items: readonly WindowItem[]): Document[] =>
  items.slice(0, WINDOWS_PER_PROJECTION).map(({ user, start, state }) => projection.document(state, { user, start }))
