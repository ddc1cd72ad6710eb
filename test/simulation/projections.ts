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
  /** Kilobytes that the event adds to the user's state. */
  readonly weight: number
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

interface Countries {
  readonly n: number
  readonly users: number
  readonly countries: Record<string, number>
}

/** Three small projections, one for each grain. `fixed`: the code after a deployment, which no longer throws on poison. */
export function simProjections({ grains }: Code, fixed: boolean): Projection[] {
  const last = grains.perUser({
    name: 'last',
    revision: 1,
    on,
    initial: (): Last => ({ ids: [], n: 0, pad: '' }),
    fold: (state, event) => {
      if (event.data.poison && !fixed) throw new Error('poison')
      return { ids: [...state.ids, event.id].slice(-5), n: state.n + 1, pad: state.pad + kilobytes(event.data.weight) }
    },
    key: 'user',
    document: ({ ids, n }, user): Document => ({ user, ids, n }),
    shape,
  })
  const sums = grains.perUserWindow({
    name: 'sums',
    revision: 1,
    on,
    window: WINDOW_SECONDS,
    at: ({ data }) => data.at,
    where: countsWindow,
    initial: () => ({ n: 0, sum: 0, pad: '' }),
    fold: (state, { data }) => ({ n: state.n + 1, sum: state.sum + data.value, pad: kilobytes(data.width) }),
    merge: (a, b) => ({ n: a.n + b.n, sum: a.sum + b.sum, pad: '' }),
    key: 'user',
    document: ({ n, sum }, { user, start }): Document => ({ user, start, n, sum }),
    shape,
  })
  const countries = grains.perWindow({
    name: 'countries',
    revision: 1,
    on,
    window: WINDOW_SECONDS,
    at: ({ data }) => data.at,
    where: countsWindow,
    slots: 2,
    initial: (): Countries => ({ n: 0, users: 0, countries: {} }),
    fold: (state, { data }) => ({ n: state.n + 1, users: 1, countries: addCounts(state.countries, { [data.country]: 1 }) }),
    merge: (a, b, { firstOfUser }) => ({
      n: a.n + b.n,
      users: a.users + (firstOfUser ? b.users : 0),
      countries: addCounts(a.countries, b.countries),
    }),
    document: ({ n, users, countries }, { start }): Document => ({ start, n, users, countries: sorted(countries) }),
    shape,
  })
  return [last, sums, countries]
}

function addCounts(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const counts = { ...a }
  for (const [country, count] of Object.entries(b)) counts[country] = (counts[country] ?? 0) + count
  return counts
}

export const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
