import * as z from 'zod/mini'
import { traitsOf, userTraits } from '../events/user-traits.ts'
import { perUser } from '../projection.ts'

type Traits = Readonly<Record<string, unknown>>

interface Known {
  readonly traits: Traits
  /** In the order in which they were first named; pairs, since a group may be called `__proto__`. */
  readonly groups: readonly (readonly [id: string, traits: Traits])[]
}

/** The group's traits with these over them. */
function withGroup(groups: Known['groups'], id: string, traits: Traits): Known['groups'] {
  const at = groups.findIndex(([other]) => other === id)
  return at < 0 ? [...groups, [id, traits]] : groups.with(at, [id, { ...groups[at]?.[1], ...traits }])
}

const traits = z.record(z.string(), z.unknown())

export const userTraitsProjection = perUser({
  name: 'user-traits',
  revision: 1,
  on: userTraits,
  initial: (): Known => ({ traits: {}, groups: [] }),
  fold: (known, { data }) =>
    data.group_id === null
      ? { ...known, traits: { ...known.traits, ...traitsOf(data) } }
      : { ...known, groups: withGroup(known.groups, data.group_id, traitsOf(data)) },
  key: 'user_id',
  document: (known, user) => ({
    user_id: user,
    traits: known.traits,
    groups: known.groups.map(([group_id, of]) => ({ group_id, traits: of })),
  }),
  shape: z.object({ user_id: z.string(), traits, groups: z.array(z.object({ group_id: z.string(), traits })) }),
})
