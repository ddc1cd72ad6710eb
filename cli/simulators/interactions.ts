import config from './config.json' with { type: 'json' }
import type { Simulator } from './simulator.ts'

const { count, secondsBetween, unknownOneIn, known, unknown } = config.interactions

/** Interactions of anonymous visitors with pages: mostly known pairs of type and value, sometimes an unknown one. */
export const interactions: Simulator = {
  about: `interactions with pages, one in ${unknownOneIn} of an unknown kind`,
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
