import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { byKey, type SlotItem, type UserItem, type WindowItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'
import type { Item } from '../state/dynamodb-items.ts'

import { planSlots, planUser, planWindow } from './plan-bulk.ts'

interface ReindexDependencies {
  readonly table: Pick<StateTable, 'readUsers' | 'slotsOf'>
  readonly projections: readonly Projection[]
}

const isKind =
  <K extends Item['kind']>(kind: K) =>
  (item: Item): item is Item & { kind: K } =>
    item.kind === kind

/**
 * The documents that these items of the state table call for, as they would be written when the items changed. Each carries
 * its item's version, so that what flows at the same time wins where it is newer.
 */
export async function documentsOf(items: readonly Item[], { table, projections }: ReindexDependencies): Promise<BulkOperation[]> {
  const known = byKey(projections)
  const users = items.filter(isKind('user')).flatMap(item => planUser({ before: undefined, after: item }, projections))
  const windows = (await withoutErased(items.filter(isKind('window')), table)).flatMap(item =>
    planWindow({ before: undefined, after: item }, known),
  )
  return [...users, ...windows, ...(await windowsOverAllUsers(items.filter(isKind('slot')), { table, projections }))]
}

/** An erased window stands in the table until it is swept, and nobody shows it. */
async function withoutErased(windows: readonly WindowItem[], table: ReindexDependencies['table']): Promise<WindowItem[]> {
  if (windows.length === 0) return []
  const users = await table.readUsers([...new Set(windows.map(({ user }) => user))])
  const erasedOrder = (user: string): number => {
    if (!users.has(user)) throw new SafeError('The item of a user could not be read; the part is done again.')
    return (users.get(user) as UserItem | undefined)?.erasedOrder ?? 0
  }
  return windows.filter(({ user, version }) => version > erasedOrder(user))
}

/** A window over all users is read whole, once, whichever of its slots stand here. */
async function windowsOverAllUsers(
  slots: readonly SlotItem[],
  { table, projections }: ReindexDependencies,
): Promise<BulkOperation[]> {
  const windows = new Map(slots.map(slot => [`${slot.projection}#${slot.start}`, slot]))
  const planned = await Promise.all(
    [...windows.values()].map(async ({ projection, start }) => {
      const definition = byKey(projections).get(projection)
      return definition?.scope === 'window' ? planSlots(await table.slotsOf(projectionKey(definition), start), definition) : []
    }),
  )
  return planned.flat()
}
