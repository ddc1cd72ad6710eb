import type { Document, Grain, MergeRejection, MergeTask, PartGrain } from '../grain.ts'
import { type EventOf, type EventTypes, initialState, type ProjectionBase, projectionKey } from '../projection.ts'
import { documentId } from '../search-index.ts'
import { type PartItem, userHash, userKey, userOfKey } from '../state.ts'
import { asStored } from '../stored-json.ts'
import { checkedDocument } from './document.ts'
import { expiry, orInitial, passOver, strikeOut, tryInitial, tryMerge } from './merge.ts'
import { parseWindowText, type Windowed, windowOf, windowPrefix, windowText } from './window-time.ts'

/** One state and one document per user and window. */
export interface UserWindowProjection<Types extends EventTypes, State> extends ProjectionBase<Types, State>, Windowed<Types> {
  /** The document field that holds the user. */
  readonly key: string
  merge(stored: State, delta: State): State
  document(state: State, at: { readonly user: string; readonly start: number }): Document
}

/** One window of one user. Its version is the order number of the last merged delta, or above it after a replay. */
export interface WindowItem extends PartItem {
  readonly kind: 'window'
  readonly user: string
}

// biome-ignore lint/suspicious/noExplicitAny: the grain serves projections of every type and state
type AnyUserWindowProjection = UserWindowProjection<any, any>

const parts: PartGrain<AnyUserWindowProjection, WindowItem> = {
  kind: 'window',
  ofOneUser: true,

  readKey({ pk, sk }) {
    const user = userOfKey({ pk, sk })
    const window = parseWindowText(sk)
    return user === undefined || !window ? undefined : { kind: 'window', user, ...window }
  },

  /** The windows of a user are sorted by projection, then by time. */
  itemKey: ({ user = '', projection, start }) => ({ pk: userKey(user).pk, sk: windowText(projection, start) }),

  addressOf: (projection, user, start) => ({ kind: 'window', user, projection: projectionKey(projection), start }),

  siblings: () => undefined,

  keysOfUser: (user, projection) => ({ pk: userKey(user).pk, sk: windowPrefix(projection) }),

  mergeDeltas: (projection, before, after) => projection.merge(before, after),

  merge(projection, stored, task) {
    const { start } = task.address
    let item = stored ?? emptyWindow(task)
    const last = lastOrderOf(item)
    const unseen = task.deltas.filter(({ order }) => order > last)
    if (unseen.length === 0) return undefined
    const rejections: MergeRejection[] = []
    for (const delta of unseen) {
      const { order, state, erasedOrder } = delta
      const isErased = lastOrderOf(item) <= erasedOrder
      const before = isErased || item.state === undefined ? tryInitial(projection) : item.state
      const merged = mergeInto(projection, { ...item, state: before }, state)
      const rejection = 'reason' in merged ? [{ ...delta, ...merged }] : []
      rejections.push(...rejection)
      const passedOver = passOver(isErased ? undefined : item.passedOver, rejection)
      item = { ...item, ...advanced(item, order), state: 'state' in merged ? merged.state : before, passedOver }
    }
    const ttl = expiry(start + projection.window, task, item.ttl)
    return { item: { ...item, ttl }, rejections, nearlyFull: false }
  },

  mergeNoted(projection, stored, delta) {
    const merged = mergeInto(projection, stored, delta.state)
    if ('reason' in merged) return merged
    const passedOver = strikeOut(stored.passedOver, delta)
    return { item: { ...stored, ...advanced(stored, lastOrderOf(stored)), state: merged.state, passedOver } }
  },

  mergedOrders: item => [[userHash(item.user), lastOrderOf(item)]],
}

const mergeInto = (projection: AnyUserWindowProjection, { state, user, start }: WindowItem, delta: unknown) =>
  tryMerge(
    () => projection.merge(orInitial(projection, state), delta),
    shown => projection.document(shown, { user, start }),
  )

const lastOrderOf = ({ version, lastOrder = version }: WindowItem): number => lastOrder

/** The item after a delta. Its version only grows, also where an older delta was replayed. */
function advanced(item: WindowItem, lastOrder: number): Pick<WindowItem, 'version' | 'lastOrder'> {
  const version = Math.max(lastOrder, item.version + 1)
  return { version, lastOrder: version === lastOrder ? undefined : lastOrder }
}

const emptyWindow = ({ address }: MergeTask): WindowItem => ({
  kind: 'window',
  user: address.user ?? '',
  projection: address.projection,
  start: address.start,
  version: 0,
  state: undefined,
})

export const userWindowGrain = {
  name: 'user-window',
  keyField: ({ key }) => key,
  hasWindow: true,
  parts,

  target: windowOf,

  rehearse: (projection, delta) => {
    asStored(projection.merge(initialState(projection), delta))
  },

  documentRef: (_projection, [item]) =>
    item && isWindow(item) && item.state !== undefined
      ? { id: documentId(item.user, item.start), version: item.version }
      : undefined,

  document: (projection, [item]) => {
    if (!item || !isWindow(item)) throw new TypeError("The document of a user's window is made of its item.")
    return checkedDocument(projection.document(item.state, { user: item.user, start: item.start }))
  },
} satisfies Grain<AnyUserWindowProjection>

const isWindow = (item: object): item is WindowItem => 'kind' in item && item.kind === 'window'

/** Defines a projection with one state per user and window. Without `where` it folds every event of its types. */
export const perUserWindow = <const Types extends EventTypes, State>(
  definition: Omit<UserWindowProjection<Types, State>, 'grain' | 'fold' | 'at' | 'where'> & {
    at(event: EventOf<NoInfer<Types>>): number
    where?(event: EventOf<NoInfer<Types>>): boolean
    fold(delta: State, event: EventOf<NoInfer<Types>>): State
  },
): UserWindowProjection<Types, State> => ({ grain: userWindowGrain, where: () => true, ...definition })
