import { COMPACTED_PREFIX, MANIFESTS_PREFIX, REPETITIONS_PREFIX } from '../../shared/archive-columns.ts'
import type { StoredFooter } from './footer.ts'

/** The rows of one event type in an object. */
interface TypeRows {
  readonly rows: number
  /** Least and greatest event time, in microseconds since 1970. */
  readonly from: string
  readonly to: string
}

export interface CompactedObject {
  readonly key: string
  readonly bytes: number
  readonly rows: number
  /** By event type. */
  readonly types: Readonly<Record<string, TypeRows>>
  /** The sum of the hashes of its identities modulo 2^64, as text. */
  readonly identities: string
  /** The hour of arrival of its rows, if the day was compacted by hours. */
  readonly hour?: string
  /** What the footer of the object says, so that a reader decides without opening it. */
  readonly footer: StoredFooter
}

/** What a run of the compaction made of one day of arrival. It never changes; the ledger says which run of a day is current. */
export interface Manifest {
  readonly dt: string
  readonly run: string
  /**
   * The first arrival of each identity of the day, sorted by event type, subject and event time. Of a day that was compacted by hours:
   * the first arrival in each hour.
   */
  readonly objects: readonly CompactedObject[]
  /** All other arrivals of these identities, in their order. */
  readonly repetitions: readonly CompactedObject[]
  /** When the newest raw object that it replaces was written: milliseconds since 1970. */
  readonly modified: number
  /** The number of identities in `objects`, and the sum of their hashes modulo 2^64 as text. */
  readonly identities: { readonly count: number; readonly sum: string }
  /** How many raw objects it replaces. Their keys are in an object of their own: few readers need them. */
  readonly replaced: number
}

export const manifestKey = (dt: string, run: string): string => `${MANIFESTS_PREFIX}dt=${dt}/${run}.json`

/** The object with the keys of the raw objects that a run replaces. */
export const replacedKey = (dt: string, run: string): string => `${MANIFESTS_PREFIX}dt=${dt}/${run}.raw.json`

/** The plan of a run that needs several steps. */
export const planKey = (dt: string, run: string): string => `${MANIFESTS_PREFIX}dt=${dt}/${run}.plan.json`

/** What a step of such a run has made. */
export const partKey = (dt: string, run: string, part: number): string => `${MANIFESTS_PREFIX}dt=${dt}/${run}.part-${part}.json`

/** Prefix of the rows of a run, the location of its partition. Nothing else has this prefix. */
export const rowsPrefix = (dt: string, run: string): string => `${COMPACTED_PREFIX}dt=${dt}/${run}/`

/** The same for its repetitions. Without a run: a prefix below which nothing is stored. */
export const repetitionsPrefix = (dt: string, run = 'none'): string => `${REPETITIONS_PREFIX}dt=${dt}/${run}/`

/** Prefixes of everything that the runs of a day have stored. */
export const runPrefixes = (dt: string): readonly string[] =>
  [COMPACTED_PREFIX, REPETITIONS_PREFIX, MANIFESTS_PREFIX].map(prefix => `${prefix}dt=${dt}/`)

/** The run that stored an object. */
export const runOfKey = (key: string): string => /^\w+\/dt=[\d-]+\/([^/.]+)/.exec(key)?.[1] ?? ''
