import fc from 'fast-check'
import { archiveColumns, columnName } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { defineEvent, text } from '../../shared/event-type.ts'
import { fromLine, fromLines, toLine } from '../../shared/stream-record.ts'
import { EARLIEST, LATEST } from '../../shared/time.ts'
import { anEvent, aReading, aVisit } from '../fixtures/builders.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const roundTrip = (event: Parameters<typeof toLine>[0]) => fromLine(toLine(event, catalogue.get(event.type)), catalogue)

test('a line has one column per field, and the other fields as JSON text', () => {
  const event = aVisit('/a', 5, { time: 253_402_300_799_999_999n, received: 1_700_000_000_001 })
  expect(toLine({ ...event, data: { ...event.data, extra: [1] } }, catalogue.get('page_visit'))).toBe(
    '{"event_time_us":253402300799999999,"received_time_us":1700000000001000,"event_id":"e1","event_type":"page_visit","source":"test",' +
      '"subject":"1","page_visit_id":1,"page_visit_url":"/a","page_visit_timestamp":5,"data":"{\\"extra\\":[1]}"}',
  )
})

test('an event is the same after writing and reading its line', () => {
  const times = fc.bigInt({ min: EARLIEST, max: LATEST })
  const data = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue())
  fc.assert(
    fc.property(times, fc.nat(), fc.string({ minLength: 1 }), data, (time, received, subject, open) => {
      const event = anEvent(JSON.parse(JSON.stringify(open)), { type: 'signup', time, received, subject })
      expect(roundTrip(event)).toEqual(event)
    }),
  )
  for (const event of [aVisit('/ü', -1, { time: EARLIEST }), aReading({ temperature: null, timestamp: 1.000001 })])
    expect(roundTrip(event)).toEqual(event)
})

test.each([
  [1_700_000_000, ',"stated":true'],
  [0, ',"stated":0'],
  [-62_135_596_800, ',"stated":-62135596800'],
  [undefined, ''],
])('a line has the stated time %p as %p', (stated, text) => {
  const event = { ...aVisit('/a', 5, { time: 1_700_000_000_999_999n }), ...(stated !== undefined && { stated }) }
  const line = toLine(event, catalogue.get('page_visit'))
  expect(/,"stated":[^,]*/.exec(line)?.[0] ?? '').toBe(text)
  expect(fromLine(line, catalogue)).toEqual(event)
})

const visitLine = toLine(aVisit('/a', 5), catalogue.get('page_visit'))

test.each([
  ['a time after the year 9999', visitLine.replace('"event_time_us":0', '"event_time_us":99999999999999999999999')],
  ['a time before the year 1', visitLine.replace('"event_time_us":0', '"event_time_us":-99999999999999999999999')],
  ['an arrival after the year 9999', visitLine.replace('"received_time_us":1', '"received_time_us":9999999999991')],
  ['an id that is a number', visitLine.replace('"event_id":"e1"', '"event_id":1')],
  ['no id', visitLine.replace('"event_id":"e1",', '')],
  ['an empty type', visitLine.replace('"page_visit"', '""')],
  ['a subject that is an object', visitLine.replace('"subject":"1"', '"subject":{"a":1}')],
  ['a source of 300 characters', visitLine.replace('"source":"test"', `"source":"${'s'.repeat(300)}"`)],
  ['a stated time with decimals', visitLine.replace('"source"', '"stated":1.5,"source"')],
  ['a stated time that is a text', visitLine.replace('"source"', '"stated":"1","source"')],
  ['data that is not JSON text', visitLine.replace('{"event', '{"event').replace('}', ',"data":{"a":1}}')],
  ['columns of a row and data that is a list', visitLine.replace('}', ',"data":"[1]"}')],
])('a line with %s was not written by ingest', (_, line) => {
  expect(line).not.toBe(visitLine)
  expect(fromLines(`${line}\n${visitLine}`, catalogue)).toMatchObject({
    events: [{ id: 'e1' }],
    unrecognised: [{ line, position: 0 }],
  })
})

test('a field that was added to the catalogue after the line was written is found in data', () => {
  const written = toLine(anEvent({ Id: 3, Url: '/a', Timestamp: 1, more: true }), undefined)
  expect(fromLine(written, catalogue).data).toEqual({ Id: 3, Url: '/a', Timestamp: 1, more: true })
})

test('the columns of a type that only newer code knows are members of data, beside its other fields', () => {
  const { data, ...facts } = aVisit('/a', 5)
  const written = toLine({ ...facts, stated: 7, keyId: 'k', data: { ...data, extra: [1] } }, catalogue.get('page_visit'))
  expect(fromLine(written, new Map())).toEqual({
    ...facts,
    stated: 7,
    keyId: 'k',
    data: { page_visit_id: 1, page_visit_url: '/a', page_visit_timestamp: 5, extra: [1] },
  })
})

test('data that is not an object is read as it is: ingest accepted it before its type was in the catalogue', () => {
  for (const data of [['a', 1], 'text', 5, false]) {
    const event = anEvent<unknown>(data)
    expect(fromLine(toLine(event, undefined), catalogue)).toEqual(event)
  }
})

test('two fields with the same column name are an error that names the column', () => {
  const conflicting = defineEvent({ name: 'clash', about: '', fields: { userId: text(), user_id: text() }, user: () => null })
  expect(() => archiveColumns([...eventTypes, conflicting])).toThrow('clash_user_id')
})

test('column names are in lower snake case', () => {
  expect(columnName('interaction', 'eventType')).toBe('interaction_event_type')
  expect(columnName('page_visit', 'Url')).toBe('page_visit_url')
})
