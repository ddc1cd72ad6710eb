import type { PartItem } from '../../shared/state.ts'
import type { Environment } from './environment.ts'
import type { SimEvent, UserHistory } from './oracle.ts'
import { isAdded, isRefusedDocument, readSums } from './projections.ts'
import { type Stores, windowText, without } from './stores.ts'

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
export const idsOf = (events: readonly SimEvent[]): string[] => events.map(({ id }) => id)

/** Whether a document is rightly an older one: its projection threw on the state, and it is quarantined. */
export const isRefused = (key: string, ids: readonly string[], { conditions, quarantine }: Environment): boolean =>
  conditions.refusesDocuments && isRefusedDocument(ids) && quarantine.everRefused.has(key)

/** What a window of `sums` must contain: its events, except those in quarantined deltas. */
function expectedSums(key: string, events: readonly SimEvent[], stores: Stores) {
  const unmerged = stores.unmerged.get(key)?.ids ?? []
  const ids = without(idsOf(events), unmerged)
  const item = stores.windows.current.get(key) ?? stores.windows.expired.get(key)
  const stored = item ? readSums(item.state).ids : []
  const isReordered = stores.reordered.has(key) && same([...ids].sort(), [...stored].sort())
  const values = new Map(events.map(({ id, data }) => [id, data.value]))
  return { ids: isReordered ? stored : ids, sum: ids.reduce((sum, id) => sum + (values.get(id) ?? 0), 0) }
}

export function judgeWindows(name: string, { windows }: UserHistory, stores: Stores, environment: Environment): string[] {
  return [...windows].flatMap(([start, events]) => {
    const key = `${name}|${start}`
    const want = events && expectedSums(key, events, stores)
    const item = stores.windows.current.get(key) ?? (want && stores.windows.expired.get(key))
    if (item && !want) return [`window ${key} survived an erasure`]
    if (!item && want) return [`window ${key} is missing`]
    const state = item && readSums(item.state)
    const isEqual = !state || same({ ids: state.ids, sum: state.sum }, want)
    return [
      ...(isEqual ? [] : [`window ${key} holds ${state.ids} and ${state.sum}, expected ${want?.ids} and ${want?.sum}`]),
      ...judgeDraws(name, start, item, stores, environment),
      ...judgeWindowDocument(name, start, want, stores, environment),
    ]
  })
}

function judgeWindowDocument(
  name: string,
  start: number,
  want: ReturnType<typeof expectedSums> | undefined,
  { documents }: Stores,
  environment: Environment,
): string[] {
  const key = `sums-r1|${name}#${windowText(start)}`
  const document = documents.get(key)
  const expected = want && { user: name, start, ...want }
  // A window that rejected everything has the document of its initial state, or none if `initial` threw.
  const isEmpty = document === undefined && want?.ids.length === 0
  if (same(document, expected) || isEmpty || (want && isRefused(key, want.ids, environment))) return []
  return [`document of window ${name}|${start} is ${JSON.stringify(document)}, expected ${JSON.stringify(expected)}`]
}

/** A window has the numbers that the commits of its user decided, although each call of an impure fold draws another one. */
function judgeDraws(name: string, start: number, item: PartItem | undefined, stores: Stores, environment: Environment): string[] {
  if (!item) return []
  const erasedOrder = stores.users.get(name)?.erasedOrder ?? 0
  const mine = environment.draws.filter(each => each.user === name && each.start === start && each.order > erasedOrder)
  const decided = mine.reduce((sum, { draw }) => sum + draw, 0) - (stores.unmerged.get(`${name}|${start}`)?.draw ?? 0)
  const { draw } = readSums(item.state)
  return draw === decided ? [] : [`window ${name}|${start} drew ${draw}, but the commits of its user ${decided}`]
}

/**
 * The windows of the projection that the deployment brings contain what the new code folded, so every event that the old
 * code cannot fold, and no event that is not folded. After a roll-back, their deltas may be stored until the next deployment.
 */
export function judgeFresh(name: string, { windows }: UserHistory, stores: Stores, environment: Environment): string[] {
  return [...windows].flatMap(([start, events]) => {
    const key = `${name}|${start}`
    const item = stores.freshWindows.current.get(key) ?? (events && stores.freshWindows.expired.get(key))
    const ids = (item?.state ?? []) as readonly string[]
    const isKept = ({ id }: SimEvent): boolean => ids.includes(id) || stores.retired.has(id)
    const foldedByNew = events?.filter(event => event.data.poison || event.data.hangs || isAdded(event)) ?? []
    const missing = foldedByNew.filter(event => !isKept(event))
    const surplus = ids.filter(id => !events?.some(event => event.id === id))
    return [
      ...missing.map(({ id }) => `${id} is in no window of the deployed projection`),
      ...surplus.map(id => `${id} is in window ${key} of the deployed projection, but not folded`),
      ...judgeFreshDocument(name, start, item && ids, stores, environment),
    ]
  })
}

/** A windows function that knows all projections merges every delta that was stored before it began. */
export function judgeStoredDeltas({ storedDeltas, table, windowsKnewAll }: Environment): string[] {
  const left = [...storedDeltas].filter(([key, step]) => step < windowsKnewAll && table.items.has(key))
  return left.map(([key]) => `the stored delta ${key} is not merged`)
}

function judgeFreshDocument(
  name: string,
  start: number,
  ids: readonly string[] | undefined,
  { documents }: Stores,
  { deployment, quarantine }: Environment,
): string[] {
  const key = `fresh-r1|${name}#${windowText(start)}`
  const shown = documents.get(key)
  const isShown = same(shown, ids && { user: name, start, ids })
  const isGivenUp = !deployment.isNew('documents') || quarantine.everRefused.has(key)
  return isShown || isGivenUp ? [] : [`document of the deployed window ${name}|${start} is ${JSON.stringify(shown)}`]
}
