import { mixReport } from '../../../cli/cost/cost-report.ts'
import { idleUsage } from '../../../cli/cost/idle.ts'
import { type PricedCost, pricedCost } from '../../../cli/cost/priced.ts'
import { prices } from '../../../cli/cost/prices.ts'
import { readPublished } from '../../../cli/cost/published-mixes.ts'
import { costRows, costSummary } from '../../../cli/cost/tables.ts'
import { millrace } from '../../fixtures/command.ts'

const report = {
  ...{ stage: 'dev', source: 'a test', events: 10, eventsPerMonth: undefined },
  parts: { ingest: { invocations: 1e6, computeGbSeconds: 0 }, state: { writeUnits: 2e6, readUnits: 4e6 } },
  idle: { stream: { shardHours: 730 } },
}

test('an item for each part and unit that is used, in $ that are not rounded', () => {
  const { items, idle, perMillion, idlePerMonth, ...about } = pricedCost(report)
  expect(items).toEqual([
    {
      part: 'ingest',
      unit: 'invocations',
      of: 'invocation',
      unitsPerMillion: 1e6,
      price: 0.2 / 1e6,
      perMillion: expect.closeTo(0.2),
    },
    expect.objectContaining({ part: 'state', unit: 'writeUnits', perMillion: expect.closeTo(1.25) }),
    expect.objectContaining({ part: 'state', unit: 'readUnits', perMillion: expect.closeTo(0.5) }),
  ])
  expect(perMillion).toBe(items.reduce((sum, item) => sum + item.perMillion, 0))
  expect(idle).toEqual([
    { part: 'stream', unit: 'shardHours', of: 'shard and hour', unitsPerMonth: 730, price: 0.015, perMonth: 730 * 0.015 },
  ])
  expect(idlePerMonth).toBe(730 * 0.015)
  expect(about).toEqual({ stage: 'dev', source: 'a test', events: 10 })
})

test('without events and without an idle month, everything is 0', () => {
  expect(pricedCost({ ...report, parts: { ingest: { invocations: 0 } }, idle: {} })).toMatchObject({
    ...{ perMillion: 0, idlePerMonth: 0, items: [], idle: [] },
  })
})

test.each(readPublished().mixes)('the table of mix $name has the numbers of the JSON', mix => {
  const template = { Stream: { Type: 'AWS::Kinesis::Stream', Properties: { ShardCount: 2 } } }
  const published = mixReport(mix, 'prod', idleUsage(template))
  const priced = pricedCost(published)
  const rows = costRows(published, priced) as Record<string, string>[]
  expect(rows.at(-1)).toMatchObject({
    ...{ part: 'total', '$ a million events': priced.perMillion.toFixed(3), '$ a month idle': priced.idlePerMonth.toFixed(2) },
  })
  const parts = rows.slice(0, -1).reduce((sum, row) => sum + Number(row['$ a million events']), 0)
  expect(parts).toBeCloseTo(priced.perMillion, 1)
  expect(costSummary(published, priced).at(-1)).toContain(`${priced.perMillion.toFixed(2)} for the events`)
})

test('the command prints one JSON value in the shape of the contract', async () => {
  const { code, stdout } = await millrace(['cost', '--mix', 'A', '--json'])
  const { perMillion, idlePerMonth, items } = JSON.parse(stdout) as PricedCost
  expect([code, perMillion > 0, idlePerMonth > 0]).toEqual([0, true, true])
  for (const item of items) {
    expect(item).toMatchObject({ part: expect.any(String), price: prices[item.unit].dollars })
    expect(item.perMillion).toBeCloseTo(item.unitsPerMillion * item.price, 10)
  }
})
