import type { KinesisStreamRecord } from 'aws-lambda'
import { judgeBatch } from '../../lambdas/quarantine/judge-batch.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { ERASURE_TYPE } from '../../shared/event.ts'
import { discardedBatch } from '../fixtures/discarded-batch.ts'
import { memory } from '../fixtures/memory.ts'
import { eventOf, idsOf, recordOf, START, smallFold } from '../fixtures/small-fold.ts'
import { Table } from '../simulation/table.ts'

/** The code of the state function is newer than that which judges: the latter knows no type. */
const newer = { projections: [idsOf('p', 'visit')] }
const visit = (id: string) => eventOf(id, 'visit', '7')
const foreign = { ...visit('f'), subject: null }
const erasure = eventOf('e', ERASURE_TYPE, '7')

function newStores() {
  const { items, add, run, quarantined } = smallFold()
  const table = stateTable('t', items.operations())
  const judged = (...records: KinesisStreamRecord[]) => {
    const context = { eventTypes: new Map(), rawEventsFunction: 'raw', documentsFunction: 'documents', isOn: () => true }
    return judgeBatch(fromDiscarded(discardedBatch(records, START), context).unfinished, {
      ...{ table, pages: pagesTable('pages', new Table().operations()), quarantine: { add } },
      ...{ rules: { eventTypes: new Map(), memory }, retentionMs: 0, now: () => START },
    })
  }
  const judge = async (...records: KinesisStreamRecord[]) =>
    (await judged(...records)).events.map(({ id, mayHaveBeenFolded = false }) => ({ id, mayHaveBeenFolded }))
  return { table, run, quarantined, judged, judge }
}

test('an event that only newer code folds is not quarantined if the item of its user remembers it', async () => {
  const { run, judge } = newStores()
  await run([recordOf(1, [visit('a')]), recordOf(2, [visit('b')])], newer)
  await run([recordOf(3, [visit('c')])], newer)
  expect(await judge(recordOf(1, [visit('a')]), recordOf(2, [visit('b')]), recordOf(3, [visit('c')]))).toEqual([])
})

test('an event that only newer code folds says that it may have been folded if the item is past its record', async () => {
  const { run, judge, judged } = newStores()
  await run([recordOf(2, [visit('b')])], newer)
  expect(await judge(recordOf(1, [visit('a')]))).toEqual([{ id: 'a', mayHaveBeenFolded: true }])
  const { events } = await judged(recordOf(1, [visit('a')]))
  expect(events[0]?.message).toContain('If newer code folds the type, the states may contain it already')
})

test('events that only newer code folds are quarantined once if their user has no item', async () => {
  const { judged, judge } = newStores()
  const batch = recordOf(1, [visit('a'), visit('b')])
  expect(await judge(batch)).toEqual([
    { id: 'a', mayHaveBeenFolded: false },
    { id: 'b', mayHaveBeenFolded: false },
  ])
  await (await judged(batch)).mark()
  expect(await judge(batch)).toEqual([])
})

test('a record that newer code decided decides all its events: those that it folded and those that it quarantined', async () => {
  const { run, judge, quarantined } = newStores()
  const broken = idsOf('q', 'order', () => {
    throw new Error('broken')
  })
  const mixed = recordOf(1, [visit('a'), eventOf('o', 'order', '7'), eventOf('n', 'note', '7')])
  await run([mixed], { projections: [...newer.projections, broken] })
  expect(quarantined()).toEqual(['o projection_failed'])
  expect(await judge(mixed)).toEqual([])
  await run([recordOf(2, [visit('b')])], newer)
  expect(await judge(mixed)).toEqual([])
})

test('an event without a user stays a line of its record, of whatever type it is', async () => {
  const { table, run, judged, judge } = newStores()
  await run([recordOf(2, [visit('b')])], newer)
  const batch = recordOf(1, [visit('a'), foreign])
  expect(await judge(batch)).toEqual([
    { id: 'a', mayHaveBeenFolded: true },
    { id: 'f', mayHaveBeenFolded: false },
  ])
  await (await judged(batch)).mark()
  const positions = [0, 1].map(position => ({ sequenceNumber: '1', position }))
  expect(await table.readQuarantined('7', positions)).toEqual(positions.slice(0, 1))
  expect(await table.readQuarantinedLines(positions)).toEqual(positions.slice(1))
  expect(await judge(batch)).toEqual([])
})

test('an erasure that was folded is not quarantined, and no item decides an event beside it', async () => {
  const { run, judge } = newStores()
  const batch = recordOf(2, [erasure, visit('b')])
  await run([recordOf(1, [visit('a')]), recordOf(2, [erasure])], newer)
  expect(await judge(batch)).toEqual([{ id: 'b', mayHaveBeenFolded: false }])
})

test('an event that only newer code folds is remembered after an erasure of its user', async () => {
  const { run, judge } = newStores()
  await run([recordOf(1, [visit('a')]), recordOf(2, [erasure])], newer)
  expect(await judge(recordOf(1, [visit('a')]))).toEqual([])
})
