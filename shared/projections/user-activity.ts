import * as z from 'zod/mini'
import { appAction } from '../events/app-action.ts'
import { perUser } from '../grains/user.ts'
import { type Tally, tally } from '../tally.ts'

interface Activity {
  readonly events: number
  readonly actions: Tally
}

/** The most frequent action; of equally frequent actions the first by code point, which is the order of a tally. */
const favourite = (actions: Tally): string | null =>
  actions.reduce<readonly [string | null, number]>((best, pair) => (pair[1] > best[1] ? pair : best), [null, 0])[0]

export const userActivity = perUser({
  name: 'user-activity',
  revision: 1,
  on: [appAction],
  initial: (): Activity => ({ events: 0, actions: [] }),
  fold: ({ events, actions }, { data: { event_action } }) => ({
    events: events + 1,
    actions: event_action === null ? actions : tally(actions, event_action),
  }),
  key: 'user_id',
  document: ({ events, actions }, user) => ({ user_id: Number(user), events, favourite_action: favourite(actions) }),
  shape: z.object({ user_id: z.int(), events: z.int(), favourite_action: z.nullable(z.string()) }),
})
