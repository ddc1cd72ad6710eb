import * as z from 'zod/mini'
import { traitsOf, userTraits } from '../events/user-traits.ts'
import { perUser } from '../grains/user.ts'
import type { JsonObject } from '../json.ts'

interface KnownTraits {
  readonly traits: JsonObject
  /** In the order of their first call. An array of pairs, because the id of a group may be `__proto__`. */
  readonly groups: readonly (readonly [id: string, traits: JsonObject])[]
}

/** The groups, with new traits of one group. New traits overwrite old ones of the same name. */
function withGroup(groups: KnownTraits['groups'], id: string, traits: JsonObject): KnownTraits['groups'] {
  const at = groups.findIndex(([other]) => other === id)
  return at < 0 ? [...groups, [id, traits]] : groups.with(at, [id, { ...groups[at]?.[1], ...traits }])
}

const traits = z.record(z.string(), z.unknown())

export const userTraitsProjection = perUser({
  name: 'user-traits',
  revision: 1,
  on: [userTraits],
  initial: (): KnownTraits => ({ traits: {}, groups: [] }),
  fold: (known, { data }) =>
    data.group_id === null
      ? { ...known, traits: { ...known.traits, ...traitsOf(data) } }
      : { ...known, groups: withGroup(known.groups, data.group_id, traitsOf(data)) },
  key: 'user_id',
  document: (known, user) => ({
    user_id: user,
    traits: known.traits,
    groups: known.groups.map(([group_id, groupTraits]) => ({ group_id, traits: groupTraits })),
  }),
  shape: z.object({ user_id: z.string(), traits, groups: z.array(z.object({ group_id: z.string(), traits })) }),
})
