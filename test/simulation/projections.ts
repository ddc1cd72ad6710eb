import * as z from 'zod/mini'
import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Document } from '../../shared/grain.ts'
import type { Projection } from '../../shared/projection.ts'
import type { Code } from './code.ts'
import type { FunctionName } from './function-names.ts'

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
  /** The code before the deployment does not return from its fold: it hangs, or ends the process. */
  readonly hangs: boolean
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
const old = { name: 'sim' } as EventType<SimData>
const added = { name: 'added' } as EventType<SimData>
export const typeOf = (isAdded: boolean): string => (isAdded ? added : old).name
/** Whether only the code after the deployment folds events of this type. */
export const isAdded = ({ type }: Event): boolean => type === added.name
/** The event types of the projections: the deployment adds one. */
const typesOf = (fixed: boolean): EventType<SimData>[] => (fixed ? [old, added] : [old])
export const countsWindow = ({ data }: Event<SimData>): boolean => data.value > 0

interface Last {
  readonly ids: readonly string[]
  readonly n: number
  readonly pad: string
}

/** The length of the padding in the state of the projection `last` after an event, and the length of its JSON. */
export function lastSize(ids: readonly string[], padBefore: number, { weight, fill }: SimData): { pad: number; length: number } {
  const empty = JSON.stringify({ ids, n: ids.length, pad: '' } satisfies Last).length
  const pad = Math.max(padBefore + weight * 1000, fill - empty)
  return { pad, length: empty + pad }
}

/** How the projections of one invocation misbehave. */
export interface Behaviour {
  readonly role: FunctionName
  /** Whether an impure projection throws in this call. */
  throws(): boolean
  /** What an impure fold adds: another number in each call. 0 if the run has none. */
  draw(): number
  /** Nothing that the invocation does after this has an effect. */
  hang(): void
}

const wellBehaved: Behaviour = { role: 'state', throws: () => false, draw: () => 0, hang: () => {} }

/** Small projections of all grains. `fixed`: the code after the deployment, which no longer throws on poison. */
export const simProjections = (
  code: Code,
  conditions: ProjectionRules,
  fixed: boolean,
  behaviour: Behaviour = wellBehaved,
): Projection[] => [
  last(code, conditions, fixed, behaviour),
  typed(code, 1, fixed),
  sums(code, conditions, fixed, behaviour),
  countries(code, conditions, fixed, behaviour),
  typed(code, 2, fixed),
  ...(fixed ? [fresh(code)] : []),
]

/** Whether the document of a state with these events is refused by the old code of the function that writes documents. */
export const isRefusedDocument = (ids: readonly string[]): boolean => ids.length % 4 === 3

function refuseDocument(
  ids: readonly string[],
  { refusesDocuments }: ProjectionRules,
  fixed: boolean,
  { role }: Behaviour,
): void {
  if (refusesDocuments && role === 'documents' && !fixed && isRefusedDocument(ids)) throw new Error('no document')
}

const last = ({ grains }: Code, rules: ProjectionRules, fixed: boolean, behaviour: Behaviour): Projection =>
  grains.perUser({
    name: 'last',
    revision: 1,
    on: typesOf(fixed),
    initial: (): Last => ({ ids: [], n: 0, pad: '' }),
    fold: (state, { id, data }) => {
      if (data.hangs && !fixed) behaviour.hang()
      if (data.broken || (data.poison && !fixed) || behaviour.throws()) throw new Error('poison')
      const ids = [...state.ids, id]
      return { ids, n: ids.length, pad: 'x'.repeat(lastSize(ids, state.pad.length, data).pad) }
    },
    key: 'user',
    document: ({ ids, n }, user): Document => {
      refuseDocument(ids, rules, fixed, behaviour)
      return { user, ids, n }
    },
    shape,
  })

/** States of every JSON type, in the order in which events change them. The initial state is the first. */
const typedStates = [0, null, 'text', ['part'], false, { part: 1 }, '', -1.5, true, []]

/** The state of the projections `typed` after this many events: revision 2 starts at another type. */
export const typedState = (revision: number, events: number): unknown => typedStates[(events + revision) % typedStates.length]

/** Two revisions of one projection that are deployed at once. */
const typed = ({ grains }: Code, revision: number, fixed: boolean): Projection =>
  grains.perUser({
    name: 'typed',
    revision,
    on: typesOf(fixed),
    initial: () => typedState(revision, 0),
    fold: state => {
      const at = typedStates.findIndex(each => JSON.stringify(each) === JSON.stringify(state))
      if (at < 0) throw new Error('not a state')
      return typedStates[(at + 1) % typedStates.length]
    },
    key: 'user',
    document: (state, user): Document => ({ user, text: JSON.stringify(state) }),
    shape,
  })

/** How the projections behave in a run. */
interface ProjectionRules {
  readonly shape: 'object' | 'array' | 'text'
  readonly refusesDeltas: boolean
  readonly refusesDocuments: boolean
  readonly throwsInitial: boolean
}

interface Sums {
  readonly ids: readonly string[]
  readonly sum: number
  readonly pad: string
  readonly draw: number
}

/** The state of `sums` from what is stored: nothing, null, an object, an array or a text. */
export function readSums(stored: unknown): Sums {
  if (stored === null || stored === undefined) return { ids: [], sum: 0, pad: '', draw: 0 }
  if (typeof stored === 'string') return readSums(JSON.parse(stored))
  if (!Array.isArray(stored)) return stored as Sums
  const [ids, sum, pad, draw] = stored as [readonly string[], number, string, number]
  return { ids, sum, pad, draw }
}

function writeSums(state: Sums, type: ProjectionRules['shape']): unknown {
  if (type === 'array') return [state.ids, state.sum, state.pad, state.draw]
  return type === 'text' ? JSON.stringify(state) : state
}

/** If the run refuses deltas, one with such a sum cannot be merged into a window that has events. */
const isRefused = ({ sum }: Sums): boolean => sum % 3 === 0
/** A window with a greater sum has no document, if the run refuses deltas. The events of one record have less. */
const GREATEST_SUM = 40

const sums = ({ grains }: Code, rules: ProjectionRules, fixed: boolean, behaviour: Behaviour): Projection => {
  const { shape: type, refusesDeltas } = rules
  const isMerging = behaviour.role === 'windows' || behaviour.role === 'replay'
  return grains.perUserWindow({
    name: 'sums',
    revision: 1,
    on: typesOf(fixed),
    window: WINDOW_SECONDS,
    at: ({ data }) => data.at,
    where: countsWindow,
    initial: (): unknown => {
      if ((rules.throwsInitial && isMerging && !fixed) || behaviour.throws()) throw new Error('no initial state')
      return null
    },
    fold: (stored, { id, data }) => {
      const { ids, sum, draw } = readSums(stored)
      const state = { ids: [...ids, id], sum: sum + data.value, pad: kilobytes(data.width), draw: draw + behaviour.draw() }
      return writeSums(state, type)
    },
    merge: (stored, delta) => {
      const [a, b] = [readSums(stored), readSums(delta)]
      if (refusesDeltas && !fixed && a.ids.length > 0 && isRefused(b)) throw new Error('units differ')
      if (behaviour.throws()) throw new Error('impure')
      return writeSums({ ids: [...a.ids, ...b.ids], sum: a.sum + b.sum, pad: '', draw: a.draw + b.draw }, type)
    },
    key: 'user',
    document: (stored, { user, start }): Document => {
      const { ids, sum } = readSums(stored)
      if (refusesDeltas && sum > GREATEST_SUM) throw new Error('no document')
      refuseDocument(ids, rules, fixed, behaviour)
      return { user, start, ids, sum }
    },
    shape,
  })
}

/** A projection that the deployment brings: the ids of the events in each window of a user. */
const fresh = ({ grains }: Code): Projection =>
  grains.perUserWindow({
    name: 'fresh',
    revision: 1,
    on: typesOf(true),
    window: WINDOW_SECONDS,
    at: ({ data }) => data.at,
    where: countsWindow,
    initial: (): readonly string[] => [],
    fold: (ids, { id }) => [...ids, id],
    merge: (a, b) => [...a, ...b],
    key: 'user',
    document: (ids, { user, start }): Document => ({ user, start, ids }),
    shape,
  })

interface Countries {
  readonly ids: readonly string[]
  readonly users: number
  readonly countries: Record<string, number>
  /** A delta that no slot with events takes, if the run refuses deltas. */
  readonly refused: boolean
}

const countries = ({ grains }: Code, rules: ProjectionRules, fixed: boolean, behaviour: Behaviour): Projection =>
  grains.perWindow({
    name: 'countries',
    revision: 1,
    on: typesOf(fixed),
    window: WINDOW_SECONDS,
    at: ({ data }) => data.at,
    where: countsWindow,
    slots: 2,
    initial: (): Countries => ({ ids: [], users: 0, countries: {}, refused: false }),
    fold: (state, { id, data }) => ({
      ids: [...state.ids, id],
      users: 1,
      countries: addCounts(state.countries, { [data.country]: 1 }),
      refused: data.value % 3 === 0,
    }),
    merge: (a, b, { firstOfUser }) => {
      if (rules.refusesDeltas && !fixed && a.ids.length > 0 && b.refused) throw new Error('units differ')
      if (behaviour.role !== 'documents' && behaviour.throws()) throw new Error('impure')
      return {
        ids: [...a.ids, ...b.ids],
        users: a.users + (firstOfUser ? b.users : 0),
        countries: addCounts(a.countries, b.countries),
        refused: false,
      }
    },
    document: ({ ids, users, countries: counts }, { start }): Document => {
      refuseDocument(ids, rules, fixed, behaviour)
      return { start, ids: [...ids].sort(), users, countries: sorted(counts) }
    },
    shape,
  })

function addCounts(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const counts = { ...a }
  for (const [country, count] of Object.entries(b)) counts[country] = (counts[country] ?? 0) + count
  return counts
}

export const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
