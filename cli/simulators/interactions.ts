import config from './config.json' with { type: 'json' }
import type { Simulator } from './simulator.ts'

const { count, secondsBetween, unknownOneIn, known, unknown } = config.interactions

/** What unknown people do on pages: the pairs that have an id of their own, and now and then one that has none. */
export const interactions: Simulator = {
  about: `interactions with pages, one in ${unknownOneIn} of a kind that nobody knows`,
  type: 'interaction',
  count,
  secondsBetween,
  *rows({ dice, id }) {
    for (let n = 0; ; n++) {
      const [eventType, eventValue] = dice.oneOf(dice.happens(unknownOneIn) ? unknown : known)
      yield { event_id: id(n), eventType, eventValue }
    }
  },
}
