import { decodeRecord } from '../../lambdas/state/decode-record.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'

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
    unrecognised: [{ code: 'invalid_event', id: 'v1', form: 'envelope', message: expect.stringContaining('replay it') }],
  })
})
