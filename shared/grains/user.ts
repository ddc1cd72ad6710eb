import type { Document, Grain } from '../grain.ts'
import { type EventOf, type EventTypes, type ProjectionBase, projectionKey } from '../projection.ts'
import { documentId } from '../search-index.ts'
import type { UserItem } from '../state.ts'
import { checkedDocument } from './document.ts'

/** One state and one document per user. The states of all these projections are in the user's item. */
export interface UserProjection<Types extends EventTypes, State> extends ProjectionBase<Types, State> {
  /** The document field that holds the user. */
  readonly key: string
  document(state: State, user: string): Document
}

// biome-ignore lint/suspicious/noExplicitAny: the grain serves projections of every type and state
type AnyUserProjection = UserProjection<any, any>

export const userGrain: Grain<AnyUserProjection> = {
  name: 'user',
  keyField: ({ key }) => key,
  hasWindow: false,
  parts: undefined,

  target: () => 'user state',

  rehearse: (projection, state, user) => {
    checkedDocument(projection.document(state, user))
  },

  documentRef: (projection, [item]) =>
    item && hasStates(item) && projectionKey(projection) in item.states
      ? { id: documentId(item.user, null), version: item.version }
      : undefined,

  document: (projection, [item]) => {
    if (!item || !hasStates(item)) throw new TypeError('The document of a user is made of the item of the user.')
    return checkedDocument(projection.document(item.states[projectionKey(projection)], item.user))
  },
}

const hasStates = (item: object): item is UserItem => 'states' in item

/** Defines a projection with one state per user. */
export const perUser = <const Types extends EventTypes, State>(
  definition: Omit<UserProjection<Types, State>, 'grain' | 'fold'> & {
    fold(state: State, event: EventOf<NoInfer<Types>>): State
  },
): UserProjection<Types, State> => ({ grain: userGrain, ...definition })
