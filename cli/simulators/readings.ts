import config from './config.json' with { type: 'json' }
import type { Simulator } from './simulator.ts'

const { count, devices, deviceTypes, secondsBetween, temperature, eventDuration, statuses } = config.readings

/** Measurements of devices, one every hundredth of a second of simulated time. */
export const readings: Simulator = {
  about: `measurements of ${devices} devices, one every ${secondsBetween} s of simulated time`,
  type: 'reading',
  count,
  secondsBetween,
  *rows({ start, dice, id }) {
    for (let n = 0; ; n++) {
      const device = dice.integer(1, devices)
      yield {
        event_id: id(n),
        device_id: `device-${device}`,
        device_type: deviceTypes[device % deviceTypes.length],
        timestamp: toMicros(start + n * secondsBetween),
        temperature: dice.real(temperature.least, temperature.most),
        event_duration: dice.normal(eventDuration.mean, eventDuration.sigma),
        status: dice.oneOf(statuses),
      }
    }
  },
}

/** Rounds epoch seconds to microseconds, to remove the rounding error of adding hundredths. */
const toMicros = (seconds: number): number => Math.round(seconds * 1e6) / 1e6
