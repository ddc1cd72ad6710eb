import type { CostReport } from './cost-report.ts'
import { prices, type Unit } from './prices.ts'
import type { PartUsage } from './usage.ts'

/** A unit that a part of the product uses, with its list price. */
interface PricedUnit {
  readonly part: string
  /** Its name in cli/cost/prices.ts. */
  readonly unit: Unit
  /** What one of it is, in words. */
  readonly of: string
  /** $ for one. */
  readonly price: number
}

interface EventItem extends PricedUnit {
  readonly unitsPerMillion: number
  /** $ for a million events. */
  readonly perMillion: number
}

interface IdleItem extends PricedUnit {
  readonly unitsPerMonth: number
  /** $ for a month without events. */
  readonly perMonth: number
}

/** What `cost --json` prints, and the numbers of the table. All amounts are in $, not rounded. */
export interface PricedCost {
  readonly stage: string
  readonly source: string
  readonly events: number
  /** The sum of `items`. */
  readonly perMillion: number
  /** The sum of `idle`. The local cloud bills nothing: 0. */
  readonly idlePerMonth: number
  readonly items: readonly EventItem[]
  readonly idle: readonly IdleItem[]
}

/** The usage of a report at list prices: an item for each part and unit that is used. */
export function pricedCost({ stage, source, events, parts, idle }: CostReport): PricedCost {
  const items = usedUnits(parts).map(({ amount, ...unit }) => ({
    ...{ ...unit, unitsPerMillion: amount, perMillion: amount * unit.price },
  }))
  const idleItems = usedUnits(idle).map(({ amount, ...unit }) => ({
    ...{ ...unit, unitsPerMonth: amount, perMonth: amount * unit.price },
  }))
  return {
    ...{ stage, source, events },
    perMillion: items.reduce((sum, item) => sum + item.perMillion, 0),
    idlePerMonth: idleItems.reduce((sum, item) => sum + item.perMonth, 0),
    ...{ items, idle: idleItems },
  }
}

const usedUnits = (parts: PartUsage): (PricedUnit & { readonly amount: number })[] =>
  Object.entries(parts).flatMap(([part, usage]) =>
    (Object.entries(usage) as [Unit, number][])
      .filter(([, amount]) => amount > 0)
      .map(([unit, amount]) => ({ part, unit, of: prices[unit].unit, price: prices[unit].dollars, amount })),
  )
