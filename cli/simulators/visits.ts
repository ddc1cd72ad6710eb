import config from './config.json' with { type: 'json' }
import type { Simulator } from './simulator.ts'

const { count, users, secondsBetween, disorderSeconds } = config.visits

/** Page visits of users to the addresses of a site map. Events are up to five seconds out of order. */
export const visits: Simulator = {
  about: `page visits of ${users} users to the addresses of a site map`,
  type: 'page_visit',
  count,
  secondsBetween,
  *rows({ start, dice, id, urls }) {
    for (let n = 0; ; n++)
      yield {
        event_id: id(n),
        Id: dice.integer(0, users - 1),
        Url: dice.oneOf(urls),
        Timestamp: Math.floor(start + n * secondsBetween) - dice.integer(0, disorderSeconds),
      }
  },
}
