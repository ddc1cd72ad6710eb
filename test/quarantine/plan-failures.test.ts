import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { NONE } from '../../shared/environment.ts'
import { ERASURE_TYPE, type Event } from '../../shared/event.ts'
import { parseRawEventTypes } from '../../shared/raw-events.ts'
import { lineForReader, toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))

test.each([
  ['an object, as Lambda writes it', (event: object) => event],
  ["JSON text, as Lambda's guide shows it", (event: object) => JSON.stringify(event)],
])('a discarded batch is read whether its payload is %s', (_, payloadOf) => {
  const visit = aVisit('/a', 2, { id: 'v1' })
  const line = toLine(visit, catalogue.get(visit.type))
  const record = { kinesis: { data: Buffer.from(`${line}\n`).toString('base64'), approximateArrivalTimestamp: 8.5 } }
  const text = JSON.stringify({
    requestContext: { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:state', condition: 'RecordAgeExceeded' },
    timestamp: '1970-01-01T00:00:09.000Z',
    KinesisBatchInfo: { batchSize: 1 },
    payload: payloadOf({ Records: [record] }),
  })
  const context = { eventTypes: catalogue, rawEventsFunction: 'raw', documentsFunction: 'documents', isOn: () => true }
  const [unfinished] = fromDiscarded(text, context).unfinished
  expect(unfinished?.lines).toMatchObject([{ quarantined: { code: 'record_unread', id: 'v1', body: line } }])
})

const context = { eventTypes: catalogue, rawEventsFunction: 'raw', documentsFunction: 'documents', isOn: () => true }
const lineOf = (event: Event) => toLine(event, catalogue.get(event.type))
const visit = aVisit('/a', 2, { id: 'v1' })

/** What Lambda writes about a batch of one record of the event stream, or about changes of the state table. */
const discarded = (functionName: string, lines?: readonly string[]) => {
  const data = Buffer.from((lines ?? []).join('\n')).toString('base64')
  return JSON.stringify({
    requestContext: { functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}` },
    timestamp: '1970-01-01T00:00:09.000Z',
    ...(lines ? { KinesisBatchInfo: {} } : { DDBStreamBatchInfo: {} }),
    payload: { Records: lines ? [{ kinesis: { sequenceNumber: '7', data, approximateArrivalTimestamp: 8.5 } }] : [] },
  })
}

test('raw events of types that the stage does not index, and erasures, are missing from no index', () => {
  const only = { ...context, isOn: parseRawEventTypes('interaction') }
  const erasure = { ...visit, type: ERASURE_TYPE, data: null }
  expect(fromDiscarded(discarded('raw', [lineOf(visit)]), only)).toEqual({ missed: [], unfinished: [] })
  expect(fromDiscarded(discarded('raw', [lineOf(erasure)]), context).missed).toEqual([])
  const { missed } = fromDiscarded(discarded('raw', [lineOf(erasure), lineOf(visit)]), context)
  expect(missed).toMatchObject([{ id: 'v1', position: 1, occurrence: '7#1' }])
})

test('a reader misses no line that is for another one, and the raw events none that the state function quarantines', () => {
  const forSearch = lineForReader('search', lineOf(visit))
  const lines = [forSearch, lineForReader('archive', lineOf(visit)), 'not ours', lineForReader('search', '{"a":1}')]
  const { missed } = fromDiscarded(discarded('raw', lines), context)
  expect(missed.map(({ body, position }) => [body, position])).toEqual([
    [forSearch, 0],
    [lines[3], 3],
  ])
  const { unfinished } = fromDiscarded(discarded('state', [...lines, lineOf(visit)]), context)
  expect(unfinished.map(record => record.lines.map(({ event, position }) => [event?.id, position]))).toEqual([
    [
      [undefined, 2],
      ['v1', 4],
    ],
  ])
})

test('batches of the functions of search are known as such after search was turned off', () => {
  const off = { eventTypes: catalogue, rawEventsFunction: NONE, documentsFunction: NONE, isOn: parseRawEventTypes(NONE) }
  const rawEvents = discarded('millrace-dev-SearchIndexEvents7D1F0A8C-aB3dEf6hIj9k', [lineOf(visit)])
  expect(fromDiscarded(rawEvents, off)).toEqual({ missed: [], unfinished: [] })
  const changes = discarded('millrace-dev-SearchIndexDocuments0C4B2E6F-aB3dEf6hIj9k')
  expect(fromDiscarded(changes, off).missed).toMatchObject([{ type: 'documents' }])
})
