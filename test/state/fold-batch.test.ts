import type { KinesisStreamRecord } from 'aws-lambda'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { type FoldDependencies, foldBatch } from '../../lambdas/state/fold-batch.ts'
import { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { ERASURE_TYPE } from '../../shared/event.ts'
import { perUser } from '../../shared/grains/user.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'
import { memory } from '../fixtures/memory.ts'
import { eventOf, idsOf, recordOf, smallFold } from '../fixtures/small-fold.ts'
import { Table } from '../simulation/table.ts'

const START = 1_700_000_000_000
const catalogue = new Map(eventTypes.map(type => [type.name, type]))

function newStores() {
  const table = new Table()
  const quarantined: QuarantinedEvent[] = []
  let now = START
  const dependencies: FoldDependencies = {
    table: stateTable('t', table.operations()),
    pages: pagesTable('pages', new Table().operations()),
    quarantine: { add: async events => void quarantined.push(...events) },
    eventTypes: catalogue,
    rules: { projections, memory, latenessMs: undefined, retentionMs: 0 },
    retryBudgetMs: 300_000,
    turns: new FoldTurns('p'),
    now: () => now,
    telemetry: { count: () => {}, annotate: () => {} },
  }
  const advance = (milliseconds: number) => {
    now += milliseconds
  }
  return { table, quarantined, dependencies, advance }
}

const record = (seq: number, events: Event[], text?: string): KinesisStreamRecord =>
  ({
    eventID: `shard-0:${seq}`,
    kinesis: {
      sequenceNumber: String(seq),
      data: Buffer.from(text ?? events.map(event => toLine(event, catalogue.get(event.type))).join('\n')).toString('base64'),
      approximateArrivalTimestamp: START / 1000,
    },
  }) as KinesisStreamRecord

const visit = (user: string) => aVisit('/a', 1, { id: `v${user}`, subject: user, received: START })
const failures = ({ batchItemFailures }: Awaited<ReturnType<typeof foldBatch>>) =>
  batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)

test('a record under another partition key does not hide the later records of its user', async () => {
  const { quarantined, dependencies } = newStores()
  const under = (partitionKey: string, { kinesis, ...rest }: KinesisStreamRecord): KinesisStreamRecord => ({
    ...rest,
    kinesis: { ...kinesis, partitionKey },
  })
  await foldBatch([under('other', record(900, [visit('7')]))], dependencies)
  await foldBatch([under('7', record(5, [{ ...visit('7'), id: 'own' }]))], dependencies)
  const user = (await dependencies.table.readUsers(['7'])).get('7')
  expect([user?.sequenceNumber, quarantined.map(({ id }) => id)]).toEqual(['5', ['v7']])
})

test('the first record that could not be written is reported, and the records of other users are committed', async () => {
  const { table, dependencies } = newStores()
  table.throttle('user#2|state', 1)
  expect(
    failures(await foldBatch([record(1, [visit('1')]), record(2, [visit('2')]), record(3, [visit('3')])], dependencies)),
  ).toEqual(['2'])
  expect([...table.items.keys()]).toEqual(['user#1|state', 'user#3|state'])
})

test('a user that stays throttled is waited for, and its events are never quarantined', async () => {
  const { table, quarantined, dependencies, advance } = newStores()
  table.throttle('user#2|state', 1)
  const hot = [record(2, [visit('2')])]
  for (let attempt = 0; attempt < 30; attempt++) {
    expect(failures(await foldBatch(hot, dependencies))).toEqual(['2'])
    advance(60_000)
  }
  table.unthrottle(1)
  expect(failures(await foldBatch(hot, dependencies))).toEqual([])
  expect(quarantined).toEqual([])
  expect(table.items.get('user#2|state')).toMatchObject({ version: { N: expect.any(String) } })
})

test('quarantined events are counted by their code', async () => {
  const { dependencies } = newStores()
  const counts: unknown[] = []
  const mixed = `not ours\n${toLine(visit('1'), catalogue.get('page_visit'))}`
  await foldBatch([record(1, [], mixed)], {
    ...dependencies,
    telemetry: { count: (...counted) => void counts.push(counted), annotate: () => {} },
  })
  expect(counts).toContainEqual(['EventsQuarantined', 1, 'invalid_event'])
})

test('a line that ingest did not write is quarantined, and the other lines are folded', async () => {
  const { table, quarantined, dependencies } = newStores()
  const mixed = `not ours\n${toLine(visit('1'), catalogue.get('page_visit'))}`
  expect(failures(await foldBatch([record(1, [], mixed)], dependencies))).toEqual([])
  expect(quarantined).toMatchObject([{ form: 'text', body: 'not ours' }])
  expect(table.items.has('user#1|state')).toBe(true)
})

test('an event that is larger than ingest accepts stops no shard, although a projection would reject it', async () => {
  const { run, states, quarantined } = smallFold()
  const reject = () => {
    throw new Error('broken')
  }
  // A record of Kinesis may have 1 MB.
  const batch = [recordOf(1, [eventOf('large', 'visit', '7', 'x'.repeat(600_000))]), recordOf(2, [eventOf('a', 'view', '8')])]
  const rejecting = { projections: [idsOf('p', 'visit', reject), idsOf('q', 'view')] }
  expect(await run(batch, rejecting)).toEqual({ batchItemFailures: [] })
  expect(quarantined()).toEqual(['large invalid_event'])
  expect(await states('8')).toEqual({ 'q-r1': ['a'] })
})

test('events that no projection folds write only the progress of the shard', async () => {
  const { table, dependencies } = newStores()
  await foldBatch([record(7, [{ ...visit('1'), type: 'signup', data: {} }])], dependencies)
  expect([...table.items]).toMatchObject([['shard#shard-0|progress', { seq: { S: '7'.padStart(60, '0') } }]])
})

test('the quarantined event and the log say what a projection threw and where, without event data', async () => {
  const { quarantined, dependencies } = newStores()
  const annotations = new Map<string, unknown>()
  const broken = perUser({
    ...recentUrls,
    fold: (_visits, { data }) => {
      throw new TypeError(`Cannot read ${data.Url}`)
    },
  })
  await foldBatch([record(1, [aVisit('/private', 1, { subject: '7' })])], {
    ...dependencies,
    rules: { ...dependencies.rules, projections: [broken] },
    telemetry: { count: () => {}, annotate: (name, value) => void annotations.set(name, value) },
  })
  const reason = /recent-urls-r1 threw TypeError at .*fold-batch\.test\.ts:\d+:\d+/
  expect(quarantined).toMatchObject([{ code: 'projection_failed', message: expect.stringMatching(reason) }])
  expect(annotations.get('projectionErrors')).toEqual([expect.stringMatching(reason)])
  expect(JSON.stringify([quarantined[0]?.message, ...annotations])).not.toContain('private')
})

test('a write is counted although its rejected events could not be quarantined yet', async () => {
  const { dependencies } = newStores()
  const counts: unknown[] = []
  const broken = perUser({
    ...recentUrls,
    fold: (visits, event) => {
      if (event.data.Url === '/b') throw new Error('thrown')
      return recentUrls.fold(visits, event)
    },
  })
  const events = [aVisit('/a', 1, { subject: '7', id: 'a' }), aVisit('/b', 1, { subject: '7', id: 'b' })]
  let fails = 1
  await foldBatch([record(1, events)], {
    ...dependencies,
    rules: { ...dependencies.rules, projections: [broken] },
    quarantine: {
      add: async added => {
        if (added.length > 0 && fails-- > 0) throw new Error('The quarantine is not reachable.')
      },
    },
    telemetry: { count: (...counted) => void counts.push(counted), annotate: () => {} },
  })
  expect(counts).toContainEqual(['EventsFolded', 1])
  expect(counts).toContainEqual(['EventsQuarantined', 1, 'projection_failed'])
})

test('lines that no user’s item decides are quarantined once, whatever is delivered again; the mark expires', async () => {
  const { table, quarantined, dependencies } = newStores()
  const nobody = { ...visit('1'), subject: null }
  const text = ['not ours', '', 'not ours', toLine(visit('1'), catalogue.get('page_visit')), toLine(nobody, undefined)].join('\n')
  const ended = { ...dependencies.table, readUsers: async () => Promise.reject(new Error('ended')) }
  await expect(foldBatch([record(1, [], text)], { ...dependencies, table: ended })).rejects.toThrow('ended')
  for (let delivery = 0; delivery < 2; delivery++) await foldBatch([record(1, [], text)], dependencies)
  expect(quarantined.map(({ code, body, occurrence }) => [code, body.slice(0, 8), occurrence])).toEqual([
    ['invalid_event', 'not ours', '1#0'],
    ['invalid_event', 'not ours', '1#1'],
    ['invalid_event', '{"id":"v', '1#3'],
  ])
  expect(table.items.get('lines#1|quarantined')?.['ttl']?.N).toBe(String(START / 1000 + 86_400))
  await foldBatch([record(2, [], 'not ours')], dependencies)
  expect(quarantined).toHaveLength(4)
})

test('an erasure reads the recent pages of its user, and fails while one is missing', async () => {
  const { dependencies } = newStores()
  const pages = new Table()
  const rules = { ...dependencies.rules, memory: { ...memory, sizes: { ...memory.sizes, item: 0 } } }
  const stage = { ...dependencies, rules }
  const fold = (each: KinesisStreamRecord) => foldBatch([each], { ...stage, pages: pagesTable('pages', pages.operations()) })
  await fold(record(1, [aVisit('/a', 1, { id: 'a', received: START })]))
  expect(pages.items.size).toBe(1)
  pages.items.clear()
  const erasure = { ...aVisit('/a', 1, { id: 'x', received: START }), type: ERASURE_TYPE, data: null }
  expect(failures(await fold(record(2, [erasure as Event])))).toEqual(['2'])
})
