import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { PartUsage, Usage } from './usage.ts'

/** A mix of events, and what a million of its events use, as `node test/bench/cost.ts --record` measured it. */
export interface PublishedMix {
  readonly name: string
  readonly about: string
  readonly parts: PartUsage
  /** What no design could save. */
  readonly floor: Usage
  /** Write units of state and windows for an event. */
  readonly writeUnits: number
  /** Seconds from POST until a search finds the document: half of them, and 95 %. */
  readonly freshness: Readonly<Record<'user' | 'window', { readonly p50: number; readonly p95: number } | null>>
}

interface Published {
  readonly measured: string
  readonly mixes: readonly PublishedMix[]
}

export const PUBLISHED = path.join(import.meta.dirname, 'mixes.json')

export const readPublished = (): Published => JSON.parse(readFileSync(PUBLISHED, 'utf8')) as Published
