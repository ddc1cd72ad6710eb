import type { Document, Grain, MergeRejection, MergeTask, PartGrain } from '../grain.ts'
import { type EventOf, type EventTypes, initialState, type ProjectionBase, projectionKey } from '../projection.ts'
import { documentId } from '../search-index.ts'
import { type PartItem, userHash, userKey, userOfKey } from '../state.ts'
import { asStored } from '../stored-json.ts'
import { checkedDocument } from './document.ts'
import { expiry, passOver, tryMerge } from './merge.ts'
import { parseWindowText, type Windowed, windowOf, windowPrefix, windowText } from './window-time.ts'

/** One state and one document per user and window. */
export interface UserWindowProjection<Types extends EventTypes, State> extends ProjectionBase<Types, State>, Windowed<Types> {
  /** The document field that holds the user. */
  readonly key: string
  merge(stored: State, delta: State): State
  document(state: State, at: { readonly user: string; readonly start: number }): Document
}

/** One window of one user. Its version is the order number of the last merged delta. */
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
    const { user = '', start } = task.address
    let item = stored ?? emptyWindow(projection, task)
    const unseen = task.deltas.filter(({ order }) => order > item.version)
    if (unseen.length === 0) return undefined
    const rejections: MergeRejection[] = []
    for (const delta of unseen) {
      const { order, state, erasedOrder } = delta
      const isErased = item.version <= erasedOrder
      const before = isErased ? initialState(projection) : item.state
      const merged = tryMerge(
        () => projection.merge(before, state),
        shown => projection.document(shown, { user, start }),
      )
      const rejection = 'reason' in merged ? [{ ...delta, ...merged }] : []
      rejections.push(...rejection)
      const passedOver = passOver(isErased ? undefined : item.passedOver, rejection)
      item = { ...item, version: order, state: 'state' in merged ? merged.state : before, passedOver }
    }
    const ttl = expiry(start + projection.window, task, item.ttl)
    return { item: { ...item, ttl }, rejections, nearlyFull: false }
  },

  mergedOrders: ({ user, version }) => [[userHash(user), version]],
}

const emptyWindow = (projection: AnyUserWindowProjection, { address }: MergeTask): WindowItem => ({
  kind: 'window',
  user: address.user ?? '',
  projection: address.projection,
  start: address.start,
  version: 0,
  state: initialState(projection),
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
    item && isWindow(item) ? { id: documentId(item.user, item.start), version: item.version } : undefined,

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
