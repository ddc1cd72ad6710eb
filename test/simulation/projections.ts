import * as z from 'zod/mini'
import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Document } from '../../shared/grain.ts'
import type { Projection } from '../../shared/projection.ts'
import type { Code } from './code.ts'

/** The data of a simulated event. */
export interface SimData {
  /** Epoch seconds. */
  readonly at: number
  readonly value: number
  readonly country: string
  /** The code before the deployment throws on it. */
  readonly poison: boolean
  /** Every code throws on it. */
  readonly broken: boolean
  /** Kilobytes that the event adds to the user's state. */
  readonly weight: number
  /** The event fills the user's state up to this number of bytes; 0: it does not. */
  readonly fill: number
  /** Kilobytes of the event's window delta. */
  readonly width: number
}

export const WINDOW_SECONDS = 10
const kilobytes = (count: number): string => 'x'.repeat(count * 1000)
const shape = z.object({})
const on = [{ name: 'sim' } as EventType<SimData>]
export const countsWindow = ({ data }: Event<SimData>): boolean => data.value > 0

interface Last {
  readonly ids: readonly string[]
  readonly n: number
  readonly pad: string
}

/** The state of the projection `last` after this event; `pad` is the length of its padding before. */
export function lastState(
  { folded, pad }: { readonly folded: readonly Event<SimData>[]; readonly pad: number },
  event: Event<SimData>,
): Last {
  const ids = [...folded, event].map(({ id }) => id)
  return filled({ ids, n: ids.length, pad: 'x'.repeat(pad) + kilobytes(event.data.weight) }, event.data.fill)
}

function filled(state: Last, bytes: number): Last {
  const room = bytes - JSON.stringify(state).length
  return room > 0 ? { ...state, pad: state.pad + 'x'.repeat(room) } : state
}

/** Three small projections, one for each grain. `fixed`: the code after a deployment, which no longer throws on poison. */
export const simProjections = (code: Code, fixed: boolean): Projection[] => [last(code, fixed), sums(code), countries(code)]

const last = ({ grains }: Code, fixed: boolean): Projection =>
  grains.perUser({
    name: 'last',
    revision: 1,
    on,
    initial: (): Last => ({ ids: [], n: 0, pad: '' }),
    fold: (state, { id, data }) => {
      if (data.broken || (data.poison && !fixed)) throw new Error('poison')
      return filled({ ids: [...state.ids, id], n: state.n + 1, pad: state.pad + kilobytes(data.weight) }, data.fill)
    },
    key: 'user',
    document: ({ ids, n }, user): Document => ({ user, ids, n }),
    shape,
  })

interface Sums {
  readonly ids: readonly string[]
  readonly sum: number
  readonly pad: string
}

const sums = ({ grains }: Code): Projection =>
  grains.perUserWindow({
    name: 'sums',
    revision: 1,
    on,
    window: WINDOW_SECONDS,
    at: ({ data }) => data.at,
    where: countsWindow,
    initial: (): Sums => ({ ids: [], sum: 0, pad: '' }),
    fold: (state, { id, data }) => ({ ids: [...state.ids, id], sum: state.sum + data.value, pad: kilobytes(data.width) }),
    merge: (a, b) => ({ ids: [...a.ids, ...b.ids], sum: a.sum + b.sum, pad: '' }),
    key: 'user',
    document: ({ ids, sum }, { user, start }): Document => ({ user, start, ids, sum }),
    shape,
  })

interface Countries {
  readonly ids: readonly string[]
  readonly users: number
  readonly countries: Record<string, number>
}

const countries = ({ grains }: Code): Projection =>
  grains.perWindow({
    name: 'countries',
    revision: 1,
    on,
    window: WINDOW_SECONDS,
    at: ({ data }) => data.at,
    where: countsWindow,
    slots: 2,
    initial: (): Countries => ({ ids: [], users: 0, countries: {} }),
    fold: (state, { id, data }) => ({
      ids: [...state.ids, id],
      users: 1,
      countries: addCounts(state.countries, { [data.country]: 1 }),
    }),
    merge: (a, b, { firstOfUser }) => ({
      ids: [...a.ids, ...b.ids],
      users: a.users + (firstOfUser ? b.users : 0),
      countries: addCounts(a.countries, b.countries),
    }),
    document: ({ ids, users, countries: counts }, { start }): Document => ({
      start,
      ids: [...ids].sort(),
      users,
      countries: sorted(counts),
    }),
    shape,
  })

function addCounts(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const counts = { ...a }
  for (const [country, count] of Object.entries(b)) counts[country] = (counts[country] ?? 0) + count
  return counts
}

export const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
