import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { toLine } from '../../shared/stream-record.ts'
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
  const context = { eventTypes: catalogue, rawEventsFunction: 'raw', documentsFunction: 'documents' }
  const [unfinished] = fromDiscarded(text, context).unfinished
  expect(unfinished?.lines).toMatchObject([{ quarantined: { code: 'record_unread', id: 'v1', body: line } }])
})
