import type { PublishedMix } from './published-mixes.ts'
import {
  addUsage,
  dollarsOf,
  MIX_EVENTS_PER_MONTH,
  mapParts,
  type PartUsage,
  scaleUsage,
  withProvisionedTables,
} from './usage.ts'

const MILLION = 1e6

/** What a stage costs. */
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

/** A row for each part: $ for a million events, and $ for a month without events. */
export function costRows({ parts, idle }: CostReport): object[] {
  const names = [...new Set([...Object.keys(parts), ...Object.keys(idle)])]
  const row = (part: string, usage = parts[part] ?? {}, idleUsage = idle[part] ?? {}) => ({
    part,
    '$ a million events': dollars(dollarsOf(usage), 3),
    'tables provisioned': dollars(dollarsOf(withProvisionedTables(usage)), 3),
    '$ a month idle': dollars(dollarsOf(idleUsage), 2),
  })
  const sum = (of: PartUsage) => addUsage(...Object.values(of))
  return [...names.map(part => row(part)), row('total', sum(parts), sum(idle))]
}

const dollars = (amount: number, digits: number): string => amount.toFixed(digits)

/** What the table says, in sentences. */
export function costSummary({ stage, source, events, parts, idle, eventsPerMonth }: CostReport): string[] {
  const all = dollarsOf(addUsage(...Object.values(parts)))
  const month = dollarsOf(addUsage(...Object.values(idle)))
  const lines = [`Stage ${stage}, ${source}.`]
  if (events === 0) return [...lines, 'No event was accepted in this time.']
  if (eventsPerMonth === undefined) return lines
  const share = (month * MILLION) / eventsPerMonth
  return [
    ...lines,
    `At 1,000 events a second all month, a million events cost $${dollars(all + share, 2)}: ${dollars(all, 2)} for the events and ${dollars(share, 2)} as their part of the month.`,
  ]
}
