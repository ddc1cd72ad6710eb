import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { tryDocument } from '../../shared/grains/document.ts'
import { byKey, type Projection } from '../../shared/projection.ts'
import { indexOf } from '../../shared/search-index.ts'
import type { ItemKey, PartItem, UserItem } from '../../shared/state.ts'
import type { StateTable } from '../state/dynamodb.ts'
import { type Item, isPartItem, isUserItem } from '../state/dynamodb-items.ts'

/** A change of the state table: one item before and after it. */
export interface Change<Item> {
  readonly before: Item | undefined
  /** Undefined: code removed the item; removals by time to live are not passed on. */
  readonly after: Item | undefined
}

export interface DocumentDependencies {
  readonly table: Pick<StateTable, 'partsBelow'>
  readonly projections: readonly Projection[]
}

/** A document that could not be made. The state table has what it is made of. */
export interface DocumentFailure {
  readonly index: string
  readonly id: string
  /** Without event data. */
  readonly reason: string
}

export interface DocumentPlan {
  readonly operations: readonly BulkOperation[]
  readonly failures: readonly DocumentFailure[]
}

type StateItem = UserItem | PartItem
type Planned = BulkOperation | DocumentFailure

/**
 * The documents of changed items. An item that is a document alone is written as it is; of items that share a document, all are
 * read once: they change far more often than their document has to.
 */
export async function planDocuments(
  changes: readonly Change<Item>[],
  { table, projections }: DocumentDependencies,
): Promise<DocumentPlan> {
  const known = byKey(projections)
  const alone: Planned[] = []
  const shared = new Map<string, { readonly projection: Projection; readonly siblings: ItemKey }>()
  for (const { before, after } of changes) {
    const item = after ?? before
    if (item && isUserItem(item)) alone.push(...planUser(before, after, projections))
    const projection = item && isPartItem(item) ? known.get(item.projection) : undefined
    if (!item || !isPartItem(item) || projection?.grain.parts?.kind !== item.kind) continue
    const siblings = projection.grain.parts.siblings(item)
    if (siblings) shared.set(JSON.stringify(siblings), { projection, siblings })
    else alone.push(...planDocument(projection, before as PartItem | undefined, after as PartItem | undefined))
  }
  const together = [...shared.values()].map(async ({ projection, siblings }) =>
    planSharedDocument(projection, await table.partsBelow(siblings)),
  )
  return partition([...alone, ...(await Promise.all(together)).flat()])
}

const partition = (planned: readonly Planned[]): DocumentPlan => ({
  operations: planned.filter(each => 'action' in each),
  failures: planned.filter(each => 'reason' in each),
})

function planUser(before: Item | undefined, after: Item | undefined, projections: readonly Projection[]): Planned[] {
  const [old, now] = [before, after].map(item => (item && isUserItem(item) ? item : undefined))
  return projections.filter(({ grain }) => grain.parts === undefined).flatMap(projection => planDocument(projection, old, now))
}

/**
 * Writes the document of a changed item, or deletes it if the item no longer has one: at the item's version, or, if the item was
 * removed, at its last version + 1.
 */
export function planDocument(projection: Projection, before: StateItem | undefined, after: StateItem | undefined): Planned[] {
  if (after && projection.grain.documentRef(projection, [after])) return planSharedDocument(projection, [after])
  const gone = before && projection.grain.documentRef(projection, [before])
  const version = after ? after.version : (gone?.version ?? 0) + 1
  return gone ? [{ action: 'delete', index: indexOf(projection), id: gone.id, version }] : []
}

/** Writes the document that these items are the state of. */
function planSharedDocument(projection: Projection, items: readonly StateItem[]): Planned[] {
  const ref = projection.grain.documentRef(projection, items)
  if (!ref) return []
  const index = indexOf(projection)
  const made = tryDocument(projection, items)
  return 'reason' in made ? [{ index, id: ref.id, ...made }] : [{ action: 'index', index, ...ref, ...made }]
}
