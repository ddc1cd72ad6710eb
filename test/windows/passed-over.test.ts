import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import type { Projection } from '../../shared/projection.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { eventOf, idsOf, recordOf, START, smallFold } from '../fixtures/small-fold.ts'
import { SimQuarantine } from '../simulation/quarantine.ts'

const rejecting = idsOf('p', 'visit', () => {
  throw new Error('broken')
})
const batch = [recordOf(1, [eventOf('a', 'visit', '7')])]

/** A state function and a windows function over one table, with a quarantine that can be down. */
function aStage() {
  const { items, run } = smallFold()
  const store = new SimQuarantine()
  const counts = { adds: 0 }
  let isDown = false
  const add: Quarantine['add'] = async events => {
    if (isDown) throw new Error('The quarantine is down.')
    counts.adds += 1
    for (const event of events) store.add(event)
  }
  const windows = () =>
    mergeBatch(items.streams.flat(), {
      table: stateTable('t', items.operations()),
      quarantine: { add },
      projections: [],
      lifetime: { latenessMs: undefined, retentionMs: 0 },
      deploymentWaitMs: 900_000,
      telemetry: { count: () => undefined, annotate: () => undefined },
      now: () => START,
    })
  return {
    ...{ windows, store, counts },
    fold: (projections: readonly Projection[]) => run(batch, { projections, add }),
    down: (is: boolean) => {
      isDown = is
    },
    quarantined: () => store.events().map(({ id, code, count }) => [id, code, count]),
  }
}

test('an event that new code rejected is quarantined, although it ended after its write and old code does not fold the type', async () => {
  const { fold, windows, down, quarantined } = aStage()
  down(true)
  expect((await fold([rejecting])).batchItemFailures).toHaveLength(1)
  down(false)
  // A roll-back.
  expect((await fold([])).batchItemFailures).toEqual([])
  expect(quarantined()).toEqual([])
  await windows()
  await windows()
  expect(quarantined()).toEqual([['a', 'projection_failed', 1]])
})

test('what the state function has quarantined is not quarantined again, whatever became of it', async () => {
  const { fold, windows, store, counts } = aStage()
  await fold([rejecting])
  store.items.clear()
  await windows()
  expect([store.events(), counts.adds]).toEqual([[], 1])
})

test('while the quarantine is down, the changes are delivered again', async () => {
  const { fold, windows, down, quarantined } = aStage()
  down(true)
  await fold([rejecting])
  await expect(windows()).rejects.toThrow('The quarantine is down.')
  down(false)
  await windows()
  expect(quarantined()).toEqual([['a', 'projection_failed', 1]])
})
