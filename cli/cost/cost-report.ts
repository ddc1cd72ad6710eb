import type { PublishedMix } from './published-mixes.ts'
import { MIX_EVENTS_PER_MONTH, mapParts, type PartUsage, scaleUsage } from './usage.ts'

const MILLION = 1e6

/** What the events of a stage use, and a month without events. */
export interface CostReport {
  readonly stage: string
  /** Where the usage comes from. */
  readonly source: string
  /** How many events it is of. */
  readonly events: number
  /** What a million events use, by part. */
  readonly parts: PartUsage
  /** What a month without events uses, by part. */
  readonly idle: PartUsage
  /** Events of a month of the mix, over which a month's idle costs are spread. */
  readonly eventsPerMonth: number | undefined
}

export const perMillion = (parts: PartUsage, events: number): PartUsage =>
  mapParts(parts, usage => scaleUsage(usage, events === 0 ? 0 : MILLION / events))

export const mixReport = ({ name, about, parts }: PublishedMix, stage: string, idle: PartUsage): CostReport => ({
  ...{ stage, source: `mix ${name}: ${about}`, events: MILLION, parts, idle, eventsPerMonth: MIX_EVENTS_PER_MONTH },
})
