import { parseExact } from './exact-json.ts'
import type { UserDelta } from './grain.ts'

/** A delta that its window rejected, or that no code could merge: everything that merges it later. */
export type UnmergedDelta = Pick<UserDelta, 'projection' | 'start' | 'user' | 'order' | 'state'>

/** The delta as the body of its quarantined event. */
export const unmergedText = ({ projection, start, user, order, state }: UnmergedDelta): string =>
  JSON.stringify({ projection, start, user, ord: order, state })

/** Identifies the delta in the quarantine: it is decided once for each window, so it counts once. */
export const deltaOccurrence = ({ projection, start, user, order }: UnmergedDelta): string =>
  JSON.stringify([projection, start, user, order])

/** The inverse of `unmergedText`. Throws when the text is not JSON. */
export function parseUnmerged(text: string): UnmergedDelta {
  const { ord, ...delta } = parseExact(text) as Omit<UnmergedDelta, 'order'> & { readonly ord: number }
  return { ...delta, order: ord }
}
