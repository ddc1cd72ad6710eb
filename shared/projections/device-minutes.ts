import * as z from 'zod/mini'
import { reading } from '../events/reading.ts'
import { add, mean, merge, sum } from '../exact-sum.ts'
import { perUserWindow } from '../grains/user-window.ts'
import { MINUTE_SECONDS } from '../grains/window-time.ts'
import { windowInstant } from '../time.ts'

export const deviceMinutes = perUserWindow({
  name: 'device-minutes',
  revision: 1,
  on: [reading],
  window: MINUTE_SECONDS,
  at: ({ data }) => data.timestamp,
  where: ({ data }) =>
    data.temperature !== null && data.event_duration !== null && data.status !== null && data.status !== 'error',
  initial: () => ({ events: 0, temperature: sum(), duration: sum() }),
  fold: (state, { data }) => ({
    events: state.events + 1,
    temperature: add(state.temperature, data.temperature ?? 0),
    duration: add(state.duration, data.event_duration ?? 0),
  }),
  merge: (stored, delta) => ({
    events: stored.events + delta.events,
    temperature: merge(stored.temperature, delta.temperature),
    duration: merge(stored.duration, delta.duration),
  }),
  key: 'device_id',
  document: (state, { user, start }) => ({
    device_id: user,
    window_start: windowInstant(start),
    avg_temperature: mean(state.temperature, state.events),
    avg_event_duration: mean(state.duration, state.events),
    num_events: state.events,
  }),
  shape: z.object({
    device_id: z.string(),
    window_start: z.iso.datetime(),
    avg_temperature: z.number(),
    avg_event_duration: z.number(),
    num_events: z.int(),
  }),
})
