import type { Document } from '../../shared/grain.ts'
import { type Projection, projectionKey, type UserView } from '../../shared/projection.ts'
import type { PartItem, UserItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'

/** A response holds this many windows of each projection, newest first. */
const WINDOWS_PER_PROJECTION = 100

/** The items of a user, by projection. */
export type PartsOfUser = ReadonlyMap<Projection, readonly PartItem[]>

/** Reads all states and the newest windows of a user from the state table. Undefined when the table has no such user. */
export async function readUser(
  user: string,
  table: Pick<StateTable, 'readUser' | 'partsBelow'>,
  projections: readonly Projection[],
): Promise<UserView | undefined> {
  const windows = projections.flatMap(projection => {
    const prefix = projection.grain.parts?.keysOfUser(user, projectionKey(projection))
    return prefix ? [table.partsBelow(prefix, WINDOWS_PER_PROJECTION).then(items => [projection, items] as const)] : []
  })
  const [item, ...read] = await Promise.all([table.readUser(user), ...windows])
  return item && describeUser(item, projections, new Map(read))
}

/**
 * The documents of a user's items. An erasure keeps the user's item without states, and hides the windows up to it: a user with
 * nothing else is undefined.
 */
export function describeUser(item: UserItem, projections: readonly Projection[], parts: PartsOfUser): UserView | undefined {
  const states = statesOf(item, projections)
  const windows = windowsOf(item, parts)
  if (item.erasedOrder > 0 && states.length === 0 && windows.length === 0) return undefined
  return { user: item.user, states: Object.fromEntries(states), windows: Object.fromEntries(windows) }
}

const statesOf = (item: UserItem, projections: readonly Projection[]): (readonly [string, Document])[] =>
  projections
    .filter(projection => projection.grain.parts === undefined && projection.grain.documentRef(projection, [item]) !== undefined)
    .map(projection => [projection.name, projection.grain.document(projection, [item])])

const windowsOf = ({ erasedOrder }: UserItem, parts: PartsOfUser): (readonly [string, readonly Document[]])[] =>
  [...parts]
    .map(([projection, items]): readonly [string, readonly Document[]] => [
      projection.name,
      items
        .filter(({ version }) => version > erasedOrder)
        .slice(0, WINDOWS_PER_PROJECTION)
        .map(item => projection.grain.document(projection, [item])),
    ])
    .filter(([, documents]) => documents.length > 0)
