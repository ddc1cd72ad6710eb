import config from './config.json' with { type: 'json' }
import type { Simulator } from './simulator.ts'

const { count, users, apps, actions: names, categories, values, secondsBetween } = config.actions

/** Actions of users in apps, one per second of simulated time. */
export const actions: Simulator = {
  about: `actions of ${users} users in ${apps.length} apps`,
  type: 'app_action',
  count,
  secondsBetween,
  *rows({ start, dice, id }) {
    for (let n = 0; ; n++)
      yield {
        event_id: id(n),
        user_id: dice.integer(1, users),
        app_name: dice.oneOf(apps),
        event_action: dice.oneOf(names),
        event_category: dice.oneOf(categories),
        event_value: dice.oneOf(values),
        event_time: dateTime(start + n * secondsBetween),
      }
  },
}

/** Epoch seconds as `YYYY-MM-DD HH:MM:SS.ffffff` in UTC. */
const dateTime = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('T', ' ').replace('Z', '000')
