import * as z from 'zod/mini'
import { traitsOf, userTraits } from '../events/user-traits.ts'
import { perUser } from '../grains/user.ts'
import type { JsonObject } from '../json.ts'

/** Traits have the order in which they were first set; a name that is an integer counts as older than all others. */
interface KnownTraits {
  readonly traits: JsonObject
  /** In the order of their first call. An array of pairs, because the id of a group may be `__proto__`. */
  readonly groups: readonly (readonly [id: string, traits: JsonObject])[]
}

const MAX_TRAITS = 100
const MAX_GROUPS = 100
const MAX_BYTES = 16 * 2 ** 10

/** The last of these entries: at most `count`, and at most MAX_BYTES as JSON. */
function newest<Entry>(entries: readonly Entry[], count: number): readonly Entry[] {
  let bytes = 0
  const kept = entries.slice(-count).toReversed()
  const tooMany = kept.findIndex(entry => {
    bytes += Buffer.byteLength(JSON.stringify(entry))
    return bytes > MAX_BYTES
  })
  return entries.slice(entries.length - (tooMany === -1 ? kept.length : tooMany))
}

/** The traits with new ones, which overwrite those of the same name. Those that were set first go. */
const withTraits = (known: JsonObject, added: JsonObject): JsonObject =>
  Object.fromEntries(newest(Object.entries({ ...known, ...added }), MAX_TRAITS))

/** The groups, with new traits of one group. Those that were known first go. */
function withGroup(groups: KnownTraits['groups'], id: string, added: JsonObject): KnownTraits['groups'] {
  const at = groups.findIndex(([other]) => other === id)
  const changed = [id, withTraits(groups[at]?.[1] ?? {}, added)] as const
  return newest(at < 0 ? [...groups, changed] : groups.with(at, changed), MAX_GROUPS)
}

const traits = z.record(z.string(), z.unknown())

export const userTraitsProjection = perUser({
  name: 'user-traits',
  revision: 1,
  on: [userTraits],
  initial: (): KnownTraits => ({ traits: {}, groups: [] }),
  fold: (known, { data }) =>
    data.group_id === null
      ? { ...known, traits: withTraits(known.traits, traitsOf(data)) }
      : { ...known, groups: withGroup(known.groups, data.group_id, traitsOf(data)) },
  key: 'user_id',
  document: (known, user) => ({
    user_id: user,
    traits: known.traits,
    groups: known.groups.map(([group_id, groupTraits]) => ({ group_id, traits: groupTraits })),
  }),
  shape: z.object({ user_id: z.string(), traits, groups: z.array(z.object({ group_id: z.string(), traits })) }),
})
