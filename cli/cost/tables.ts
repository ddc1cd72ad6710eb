import type { CostReport } from './cost-report.ts'
import type { PricedCost } from './priced.ts'
import { addUsage, dollarsOf, type Usage, withProvisionedTables } from './usage.ts'

const MILLION = 1e6

/** A row for each part: $ for a million events, and $ for a month without events. */
export function costRows(
  { parts, idle }: CostReport,
  { items, idle: idleItems, perMillion: all, idlePerMonth }: PricedCost,
): object[] {
  const names = [...new Set([...Object.keys(parts), ...Object.keys(idle)])]
  const row = (part: string, usage: Usage, events: number, month: number) => ({
    part,
    '$ a million events': dollars(events, 3),
    'tables provisioned': dollars(dollarsOf(withProvisionedTables(usage)), 3),
    '$ a month idle': dollars(month, 2),
  })
  const rows = names.map(part => {
    const events = items.filter(item => item.part === part).reduce((sum, item) => sum + item.perMillion, 0)
    const month = idleItems.filter(item => item.part === part).reduce((sum, item) => sum + item.perMonth, 0)
    return row(part, parts[part] ?? {}, events, month)
  })
  return [...rows, row('total', addUsage(...Object.values(parts)), all, idlePerMonth)]
}

const dollars = (amount: number, digits: number): string => amount.toFixed(digits)

/** What the table says, in sentences. */
export function costSummary(
  { eventsPerMonth }: CostReport,
  { stage, source, events, perMillion: all, idlePerMonth }: PricedCost,
): string[] {
  const lines = [`Stage ${stage}, ${source}.`]
  if (events === 0) return [...lines, 'No event was accepted in this time.']
  if (eventsPerMonth === undefined) return lines
  const share = (idlePerMonth * MILLION) / eventsPerMonth
  return [
    ...lines,
    `At 1,000 events a second all month, a million events cost $${dollars(all + share, 2)}: ${dollars(all, 2)} for the events and ${dollars(share, 2)} as their part of the month.`,
  ]
}
