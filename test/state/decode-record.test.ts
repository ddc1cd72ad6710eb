import { planEvents } from '../../lambdas/search/plan-events.ts'
import { decodeRecord } from '../../lambdas/state/decode-record.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { ERASURE_TYPE, type Event } from '../../shared/event.ts'
import { lineForReader, toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'

/** A line that parses, with a time that no date can hold. */
const POISON =
  '{"event_time_us":99999999999999999999999,"received_time_us":1795638616537000,"event_id":"pp-h","event_type":"page_visit",' +
  '"source":"write","subject":"990","page_visit_id":990,"page_visit_url":"/direct","page_visit_timestamp":1764000000}'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))

test('an event that ingest accepted before its type was in the catalogue is quarantined, and not folded for nobody', () => {
  const text = toLine(aVisit('/a', 2, { id: 'v1', subject: null }), catalogue.get('page_visit'))
  const kinesis = { data: Buffer.from(text).toString('base64'), sequenceNumber: '1', approximateArrivalTimestamp: 8 }
  const rules = { projections } as Parameters<typeof decodeRecord>[1]['rules']
  // The cast is safe: only these fields of a record are read.
  const record = { kinesis } as Parameters<typeof decodeRecord>[0]
  expect(decodeRecord(record, { eventTypes: catalogue, rules })).toMatchObject({
    user: null,
    events: [],
    unrecognised: [
      {
        at: { sequenceNumber: '1', position: 0 },
        event: { code: 'invalid_event', id: 'v1', form: 'envelope', message: expect.stringContaining('replay it') },
      },
    ],
  })
})

const ARRIVED = 1_700_000_000_000
const rules = { projections } as Parameters<typeof decodeRecord>[1]['rules']
const decode = (lines: readonly string[], partitionKey = '7') => {
  const data = Buffer.from(lines.join('\n')).toString('base64')
  // The cast is safe: only these fields of a record are read.
  const record = {
    kinesis: { data, partitionKey, sequenceNumber: '1', approximateArrivalTimestamp: ARRIVED / 1000 },
  } as Parameters<typeof decodeRecord>[0]
  return decodeRecord(record, { eventTypes: catalogue, rules })
}
const lineOf = (event: Event) => toLine(event, catalogue.get(event.type))
const visit = aVisit('/a', 2, { id: 'v1', subject: '7', received: ARRIVED })
const erasure = { ...visit, id: 'x', type: ERASURE_TYPE, data: null }

test.each<[string, string, string]>([
  ['a time that no date can hold', POISON, 'Ingest did not write this line'],
  ['another user than its record', lineOf(aVisit('/a', 2, { subject: '8', received: ARRIVED })), 'another partition key'],
  ['an arrival far in the future', lineOf({ ...visit, received: ARRIVED + 31 * 86_400_000 }), 'more than 30 days after'],
  [
    'data that is larger than ingest accepts',
    lineOf({ ...visit, data: { ...visit.data, more: '\\'.repeat(40_000) } }),
    'far larger',
  ],
  ['an erasure after events', lineOf(erasure), 'an erasure and events'],
  [
    'data nested so deeply that it cannot be written as JSON',
    `${lineOf(visit).slice(0, -1)},"data":${JSON.stringify(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)}}`,
    'Ingest did not write this line',
  ],
])('a line with %s is quarantined alone, and the others are folded', (_, foreign, message) => {
  const decoded = decode([lineOf(visit), foreign, lineOf({ ...visit, id: 'v2' })])
  expect(decoded).toMatchObject({
    user: '7',
    erasure: false,
    unrecognised: [{ at: { position: 1 }, event: { code: 'invalid_event' } }],
  })
  expect(decoded.events.map(({ id }) => id)).toEqual(['v1', 'v2'])
  expect(decoded.unrecognised[0]?.event.message).toContain(message)
})

test.each<[string, object]>([
  ['a row without a required field', { Id: 7, Url: null, Timestamp: 2 }],
  ['a field of another JSON type', { ...visit.data, Url: 5 }],
  ['a user that is not that of its row', { ...visit.data, Id: 8 }],
  ['a list instead of a row: ingest accepted it before its type was in the catalogue', ['a', 'b']],
])('a line with %s is rejected by the item of its user', (_, data) => {
  const line = Array.isArray(data) ? toLine({ ...visit, data }, undefined) : lineOf({ ...visit, data })
  const decoded = decode([lineOf(visit), line, lineOf({ ...visit, id: 'v2' })])
  expect(decoded).toMatchObject({ user: '7', unrecognised: [], positions: [0, 1, 2] })
  const reason = expect.stringContaining('does not match its type')
  expect([...(decoded.rejected ?? [])]).toEqual([[1, { code: 'invalid_event', reason }]])
})

test('the position of an event is that of its line, whatever the code folds', () => {
  const other = lineOf({ ...visit, type: 'no-such-type', data: {} })
  expect(decode([other, lineOf(visit), POISON, lineOf({ ...visit, id: 'v2' })]).positions).toEqual([1, 3])
})

test('events after an erasure in one record are quarantined, not dropped', () => {
  expect(decode([lineOf(erasure), lineOf(visit)])).toMatchObject({
    user: '7',
    erasure: true,
    events: [],
    unrecognised: [{ at: { position: 1 }, event: { id: 'v1' } }],
  })
})

test('a record under another partition key than its user is quarantined whole: it may be in another shard', () => {
  for (const line of [lineOf(visit), lineOf(erasure)]) {
    const decoded = decode([line], 'another')
    expect(decoded).toMatchObject({
      user: null,
      events: [],
      erasure: false,
      unrecognised: [{ event: { code: 'invalid_event' } }],
    })
    expect(decoded.unrecognised[0]?.event.message).toContain('another partition key')
  }
  expect(decode([lineOf(visit)], '7').events).toHaveLength(1)
})

const recordOf = (lines: readonly string[]) => ({ sequenceNumber: '5', text: lines.join('\n'), arrived: ARRIVED })
const raw = { eventTypes: catalogue, isOn: () => true, retentionDays: 3 }

test('a foreign line stops neither the raw events after it nor their reader', () => {
  const marked = lineForReader('search', POISON)
  const { operations, failures } = planEvents([recordOf([POISON, marked, lineOf(visit)])], raw)
  expect(operations).toMatchObject([{ document: { event_id: 'v1' } }])
  expect(failures).toMatchObject([{ code: 'invalid_event', body: marked, received: ARRIVED, occurrence: '5#1' }])
})

test('a raw event whose data is no row of its type is indexed: the state function may not know the type yet', () => {
  const text = toLine({ ...visit, data: ['a', 'b'] }, undefined)
  const { operations, failures } = planEvents([recordOf([text])], raw)
  expect(operations).toMatchObject([{ document: { event_id: 'v1', Url: null, data: { value: ['a', 'b'] } } }])
  expect(failures).toEqual([])
})

test('a raw event of a type that was rolled back keeps its data', () => {
  const { operations } = planEvents([recordOf([lineOf(visit)])], { ...raw, eventTypes: new Map() })
  expect(operations).toMatchObject([{ document: { event_id: 'v1', data: { page_visit_url: '/a' } } }])
})

test('an event whose document throws is quarantined as a line for this reader, and the others are indexed', () => {
  const isOn = (type: string) => {
    if (type === 'signup') throw new TypeError('a bug')
    return true
  }
  const raw = { eventTypes: catalogue, isOn, retentionDays: 3 }
  const plan = planEvents([recordOf([lineOf(visit), lineOf({ ...visit, type: 'signup' })])], raw)
  expect(plan.operations).toHaveLength(1)
  expect(plan.failures).toMatchObject([
    { code: 'not_indexed', type: 'signup', form: 'line', body: expect.stringContaining('{"only":"search",'), occurrence: '5#1' },
  ])
})
