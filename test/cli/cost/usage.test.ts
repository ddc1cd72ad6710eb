import { readFileSync } from 'node:fs'
import { prices } from '../../../cli/cost/prices.ts'
import { PUBLISHED, readPublished } from '../../../cli/cost/published-mixes.ts'
import { addUsage, dollarsOf, withProvisionedTables } from '../../../cli/cost/usage.ts'

test('a usage costs its units times their list prices', () => {
  expect(dollarsOf({ writeUnits: 1e6, readUnits: 2e6, apiRequests: 1e6 })).toBeCloseTo(0.625 + 0.25 + 1, 10)
  expect(dollarsOf(addUsage({ shardHours: 1 }, { shardHours: 2, retentionShardHours: 3 }))).toBeCloseTo(0.045 + 0.06, 10)
})

test('a provisioned table that is used to 70 % costs 41 % of one on demand for writes', () => {
  const onDemand = { writeUnits: 1e9, logGb: 1 }
  const provisioned = withProvisionedTables(onDemand)
  expect(provisioned).toEqual({ logGb: 1, provisionedWriteHours: 1e9 / 3600 / 0.7, provisionedReadHours: 0 })
  expect((dollarsOf(provisioned) - 0.5) / (dollarsOf(onDemand) - 0.5)).toBeCloseTo(0.4127, 3)
})

test('every price says what it is of and where AWS publishes it', () => {
  for (const { dollars, unit, source } of Object.values(prices)) {
    expect(dollars).toBeGreaterThan(0)
    expect([unit, source]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/^aws\.amazon\.com\/.+pricing$/)])
  }
})

test('the published mixes use units that have a price', () => {
  const { mixes } = readPublished()
  expect(mixes.map(({ name }) => name)).toEqual(['A', 'B', 'C', 'D'])
  for (const { parts, floor } of mixes)
    for (const usage of [...Object.values(parts), floor])
      expect(Object.keys(prices)).toEqual(expect.arrayContaining(Object.keys(usage)))
  expect(readFileSync(PUBLISHED, 'utf8')).toMatch(/^\{\n {2}"measured": "20\d\d-\d\d-\d\d"/)
})
