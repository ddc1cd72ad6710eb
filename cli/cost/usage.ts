import { prices, type Unit } from './prices.ts'

/** What is used of each unit that AWS bills. */
export type Usage = Readonly<Partial<Record<Unit, number>>>

/** The part of the product that uses it, as its name in infra/. */
export type PartUsage = Readonly<Record<string, Usage>>

/** How AWS calculates a month. */
export const HOURS_PER_MONTH = 730
const SECONDS_PER_HOUR = 3600
/** The events of a month at the rate of the published mixes, 1,000 a second. */
export const MIX_EVENTS_PER_MONTH = 1000 * HOURS_PER_MONTH * SECONDS_PER_HOUR
/** The share of a provisioned table that is used: auto-scaling aims at it. */
const PROVISIONED_USE = 0.7

const entries = (usage: Usage): [Unit, number][] => Object.entries(usage) as [Unit, number][]

/** The list price of a usage in $. */
export const dollarsOf = (usage: Usage): number =>
  entries(usage).reduce((sum, [unit, amount]) => sum + amount * prices[unit].dollars, 0)

export function addUsage(...usages: readonly Usage[]): Usage {
  const sum: Partial<Record<Unit, number>> = {}
  for (const [unit, amount] of usages.flatMap(entries)) sum[unit] = (sum[unit] ?? 0) + amount
  return sum
}

export const scaleUsage = (usage: Usage, factor: number): Usage =>
  Object.fromEntries(entries(usage).map(([unit, amount]) => [unit, amount * factor]))

export const mapParts = (parts: PartUsage, change: (usage: Usage) => Usage): PartUsage =>
  Object.fromEntries(Object.entries(parts).map(([part, usage]) => [part, change(usage)]))

/** The same use of tables that are provisioned instead of on demand. */
export function withProvisionedTables({ writeUnits = 0, readUnits = 0, ...others }: Usage): Usage {
  const hours = (units: number): number => units / SECONDS_PER_HOUR / PROVISIONED_USE
  return addUsage(others, { provisionedWriteHours: hours(writeUnits), provisionedReadHours: hours(readUnits) })
}
