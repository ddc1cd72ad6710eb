import type { KinesisStreamRecord } from 'aws-lambda'
import { judgeBatch } from '../../lambdas/quarantine/judge-batch.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { type FoldDependencies, foldBatch } from '../../lambdas/state/fold-batch.ts'
import { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { perUser } from '../../shared/grains/user.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'
import { discardedBatch } from '../fixtures/discarded-batch.ts'
import { memory } from '../fixtures/memory.ts'
import { Table } from '../simulation/table.ts'

const START = 1_700_000_000_000
const MINUTE = 60_000
const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const context = { eventTypes: catalogue, rawEventsFunction: 'raw', documentsFunction: 'documents', isOn: () => true }

const visit = (id: string, url = '/a', subject: string | null = '7') => ({
  ...aVisit(url, 1, { id, received: START, subject: '7' }),
  subject,
})
const record = (seq: number, events: readonly Event[], arrived = START): KinesisStreamRecord =>
  ({
    eventID: `shard-0:${seq}`,
    kinesis: {
      sequenceNumber: String(seq),
      data: Buffer.from(events.map(event => toLine(event, catalogue.get(event.type))).join('\n')).toString('base64'),
      approximateArrivalTimestamp: arrived / 1000,
    },
  }) as KinesisStreamRecord

/** A state function and what judges the batches that Lambda gave up, over one table. */
function newStores(known: FoldDependencies['rules']['projections'] = projections) {
  const items = new Table()
  const table = stateTable('t', items.operations())
  const pages = pagesTable('pages', new Table().operations())
  const quarantined: QuarantinedEvent[] = []
  const quarantine = { add: async (events: readonly QuarantinedEvent[]) => void quarantined.push(...events) }
  const dependencies: FoldDependencies = {
    table,
    pages,
    quarantine,
    eventTypes: catalogue,
    rules: { projections: known, memory, latenessMs: undefined, retentionMs: 0 },
    retryBudgetMs: 300_000,
    turns: new FoldTurns('p'),
    now: () => START,
    telemetry: { count: () => {}, annotate: () => {} },
  }
  const fold = (...records: KinesisStreamRecord[]) => foldBatch(records, dependencies)
  const judged = (...records: KinesisStreamRecord[]) => {
    const rules = { eventTypes: catalogue, memory }
    return judgeBatch(fromDiscarded(discardedBatch(records, START), context).unfinished, {
      table,
      pages,
      quarantine,
      rules,
      retentionMs: 0,
      now: () => START,
    })
  }
  const judge = async (...records: KinesisStreamRecord[]) => (await judged(...records)).events
  return { items, dependencies, quarantined, fold, judge, judged }
}

const idsOf = (events: readonly QuarantinedEvent[]) => events.map(({ id }) => id)

test('a batch that was folded before Lambda gave it up is not quarantined', async () => {
  const { fold, judge } = newStores()
  await fold(record(1, [visit('a'), visit('b')]))
  expect(await judge(record(1, [visit('a'), visit('b')]))).toEqual([])
})

test('of a batch that was given up in the middle, the events that are in no state are quarantined', async () => {
  const { fold, judge } = newStores()
  await fold(record(1, [visit('a')]))
  expect(await judge(record(1, [visit('a')]), record(2, [visit('b')]))).toMatchObject([{ id: 'b', code: 'record_unread' }])
})

test('a batch that was given up before its puts is quarantined, although later records of its user are folded', async () => {
  const { fold, judge } = newStores()
  await fold(record(3, [visit('c')]))
  const events = await judge(record(1, [visit('a')]), record(2, [visit('b')]))
  expect(idsOf(events)).toEqual(['a', 'b'])
  expect(events.every(({ mayHaveBeenFolded }) => mayHaveBeenFolded)).toBe(true)
})

test('a batch that was folded is recognised after later records of its user', async () => {
  const { fold, judge } = newStores()
  await fold(record(1, [visit('a')]), record(2, [visit('b')]))
  await fold(record(3, [visit('c')]))
  expect(await judge(record(1, [visit('a')]), record(2, [visit('b')]))).toEqual([])
})

test('an event that may have been folded and forgotten is quarantined and says so', async () => {
  const { fold, judge } = newStores()
  await fold(record(1, [visit('a')]))
  await fold(record(2, [visit('b')], START + 31 * MINUTE))
  expect(await judge(record(1, [visit('a')]))).toMatchObject([
    { id: 'a', mayHaveBeenFolded: true, message: expect.stringContaining('may contain it already') },
  ])
})

const broken = perUser({
  ...recentUrls,
  fold: (visits, event) => {
    if (event.data.Url === '/broken') throw new Error('thrown')
    return recentUrls.fold(visits, event)
  },
})

test('an event that the state function quarantined is not quarantined again', async () => {
  const { fold, judge, quarantined } = newStores([broken])
  const mixed = record(1, [visit('a'), visit('x', '/broken'), visit('b')])
  await fold(mixed)
  await fold(record(2, [visit('c')]))
  expect(idsOf(quarantined)).toEqual(['x'])
  expect(await judge(mixed)).toEqual([])
  expect(idsOf(quarantined)).toEqual(['x'])
})

test('an event that a record without a trace made the item forget says so', async () => {
  const { fold, judge } = newStores([broken])
  await fold(record(1, [visit('a')]))
  await fold(record(2, [visit('x', '/broken')], START + 31 * MINUTE))
  expect(await judge(record(1, [visit('a')]))).toMatchObject([{ id: 'a', mayHaveBeenFolded: true }])
})

test('a repeated event is not quarantined when another event shows that its record was decided', async () => {
  const { fold, judge } = newStores([broken])
  await fold(record(1, [visit('a')]))
  const mixed = record(2, [visit('a'), visit('x', '/broken')], START + 14 * MINUTE)
  await fold(mixed)
  await fold(record(3, [visit('c')], START + 16 * MINUTE))
  expect(await judge(mixed)).toEqual([])
})

test('an event that was passed over by an attempt that ended before it quarantined it is quarantined once', async () => {
  const { dependencies, judge, quarantined } = newStores([broken])
  const mixed = record(1, [visit('a'), visit('x', '/broken')])
  const ended = {
    add: async (events: readonly QuarantinedEvent[]) => (events.length > 0 ? Promise.reject(new Error('ended')) : undefined),
  }
  await foldBatch([mixed], { ...dependencies, quarantine: ended })
  expect(quarantined).toEqual([])
  expect(await judge(mixed)).toEqual([])
  expect(quarantined).toMatchObject([{ id: 'x', code: 'projection_failed' }])
})

test('a batch whose users cannot be read is judged later', async () => {
  const { items, judge } = newStores()
  items.throttle('user#7|state', 1)
  await expect(judge(record(1, [visit('a')]))).rejects.toThrow('could not be read')
})

test('events that no projection folds, and lines that ingest did not write, are quarantined', async () => {
  const { judge } = newStores([])
  expect(idsOf(await judge(record(1, [visit('a')])))).toEqual(['a'])
})

test('a batch that is collected again after its events were discarded quarantines none of them again', async () => {
  const { judged } = newStores()
  const batch = record(1, [visit('a'), visit('n', undefined, null)])
  const { events, mark } = await judged(batch)
  expect(idsOf(events)).toEqual(['a', 'n'])
  expect(idsOf((await judged(batch)).events)).toEqual(['a', 'n'])
  await mark()
  expect((await judged(batch)).events).toEqual([])
})

test('lines that the state function quarantined are not quarantined again, and do not move the positions of events', async () => {
  const { fold, judge, quarantined } = newStores([broken])
  const foreign = { ...visit('f'), subject: '8' }
  const mixed = record(1, [visit('a'), foreign, visit('x', '/broken')])
  await fold(mixed)
  await fold(record(2, [visit('c')]))
  expect(idsOf(quarantined).toSorted()).toEqual(['f', 'x'])
  expect(await judge(mixed)).toEqual([])
})
