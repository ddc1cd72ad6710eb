import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Projection } from '../../shared/projection.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { byKey, type WindowItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'
import type { Item } from '../state/dynamodb-items.ts'
import { planUser, planWindow } from './plan-bulk.ts'
import { planWindowsOf } from './windows-of-slots.ts'

interface ReindexDependencies {
  readonly table: Pick<StateTable, 'readUsers' | 'slotsOf'>
  readonly projections: readonly Projection[]
}

/**
 * The documents of these items of the state table, as they are written when the items change. Each has the version of its
 * item, so that a newer document that is written at the same time wins.
 */
export async function documentsOf(items: readonly Item[], { table, projections }: ReindexDependencies): Promise<BulkOperation[]> {
  const known = byKey(projections)
  const users = items.filter(item => item.kind === 'user')
  const windows = await withoutErased(
    items.filter(item => item.kind === 'window'),
    table,
  )
  const slots = items.filter(item => item.kind === 'slot')
  return [
    ...users.flatMap(after => planUser({ before: undefined, after }, projections)),
    ...windows.flatMap(after => planWindow({ before: undefined, after }, known)),
    ...(await planWindowsOf(slots, { table, projections })),
  ]
}

/** Leaves out erased windows: they remain in the table until they are swept, and no reader shows them. */
async function withoutErased(windows: readonly WindowItem[], table: ReindexDependencies['table']): Promise<WindowItem[]> {
  if (windows.length === 0) return []
  const users = await table.readUsers([...new Set(windows.map(({ user }) => user))])
  const erasedOrder = (user: string): number => {
    if (!users.has(user)) throw new SafeError('The item of a user could not be read; run `millrace reindex` again.')
    return users.get(user)?.erasedOrder ?? 0
  }
  return windows.filter(({ user, version }) => version > erasedOrder(user))
}
