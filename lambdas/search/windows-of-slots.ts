import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { byKey, type SlotItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { planSlots } from './plan-bulk.ts'

export interface SlotDependencies {
  readonly table: Pick<StateTable, 'slotsOf'>
  readonly projections: readonly Projection[]
}

/**
 * The documents of the windows over all users that these slots belong to. Reads all slots of each window once: slots change
 * far more often than their window's document has to.
 */
export async function planWindowsOf(
  slots: readonly SlotItem[],
  { table, projections }: SlotDependencies,
): Promise<BulkOperation[]> {
  const known = byKey(projections)
  const windows = new Map(slots.map(slot => [`${slot.projection}#${slot.start}`, slot]))
  const planned = await Promise.all(
    [...windows.values()].map(async ({ projection, start }) => {
      const definition = known.get(projection)
      return definition?.scope === 'window' ? planSlots(await table.slotsOf(projectionKey(definition), start), definition) : []
    }),
  )
  return planned.flat()
}
