import { idleUsage } from '../../../cli/cost/idle.ts'
import type { PublishedMix } from '../../../cli/cost/published-mixes.ts'
import { addUsage, dollarsOf, MIX_EVENTS_PER_MONTH, type PartUsage, withProvisionedTables } from '../../../cli/cost/usage.ts'
import { templateOf } from '../../fixtures/infra-templates.ts'
import type { Pipeline } from './pipeline.ts'

/** The targets of a mix in $, on demand and provisioned, and in write units of state and windows for an event. */
const TARGETS: Readonly<Record<string, readonly [onDemand: number, provisioned: number, writeUnits?: number]>> = {
  A: [0.95, 0.75, 0.7],
  B: [0.5, 0.42, 0.25],
  C: [1.3, 1.05],
  D: [1.3, 0.85],
}

/** What prod costs when nothing happens, as a part of the price of a million events. */
const idle = (): PartUsage => idleUsage(templateOf('prod').toJSON().Resources)
const ofMillion = (dollars: number): number => (dollars * 1e6) / MIX_EVENTS_PER_MONTH

const round = (dollars: number): string => dollars.toFixed(3)
const sumOf = (parts: PartUsage): number => Object.values(parts).reduce((sum, usage) => sum + dollarsOf(usage), 0)

export function priceTable({ parts, floor }: PublishedMix): object[] {
  const rows = Object.entries(parts).map(([part, usage]) => ({
    part,
    'on demand': round(dollarsOf(usage)),
    provisioned: round(dollarsOf(withProvisionedTables(usage))),
    ...Object.fromEntries(Object.entries(usage).map(([unit, amount]) => [unit, Number(amount.toPrecision(4))])),
  }))
  const fixed = Object.entries(idle()).map(([part, usage]) => {
    const dollars = round(ofMillion(dollarsOf(usage)))
    return { part: `${part}, idle`, 'on demand': dollars, provisioned: dollars }
  })
  return [...rows, ...fixed, { part: 'floor without idle', 'on demand': round(dollarsOf(floor)) }]
}

/** Write units and bytes by attribute of a put, by kind of item. */
export const putTable = ({ events, table, pages }: Pipeline): object[] =>
  [...table.meter.kinds, ...pages.meter.kinds]
    .filter(([, { puts }]) => puts > 0)
    .map(([kind, { puts, units, readUnits, bytes }]) => ({
      kind,
      'puts an event': puts / events,
      'units a put': units / puts,
      'read units an event': readUnits / events,
      bytes: Math.round([...bytes.values()].reduce((sum, each) => sum + each, 0) / puts),
      ...Object.fromEntries([...bytes].map(([name, sum]) => [name, Math.round(sum / puts)])),
    }))

export function totals(measured: readonly PublishedMix[]): object[] {
  const fixed = ofMillion(sumOf(idle()))
  return measured.map(({ name, parts, floor, writeUnits, freshness }) => {
    const [onDemand, provisioned, units] = TARGETS[name] ?? []
    return {
      mix: name,
      events: round(sumOf(parts)),
      idle: round(fixed),
      'on demand': round(sumOf(parts) + fixed),
      target: onDemand,
      provisioned: round(dollarsOf(withProvisionedTables(addUsage(...Object.values(parts)))) + fixed),
      'its target': provisioned,
      floor: round(dollarsOf(floor) + fixed),
      'write units': writeUnits,
      ...(units && { 'at most': units }),
      ...{ 'user p50': freshness.user?.p50, p95: freshness.user?.p95, 'window p50': freshness.window?.p50 },
      ...{ 'window p95': freshness.window?.p95 },
    }
  })
}
