import { isResolvable } from '../../cli/reindex/release.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { reject } from '../../shared/rejections.ts'
import { aVisit } from '../fixtures/builders.ts'

const quarantined = (fields: object) => ({
  ...{ key: '', type: null, id: null, keyName: '', received: 0, count: 1 },
  ...reject('document_refused'),
  ...fields,
})

test('a reindex resolves documents of projections, also of older revisions, but no raw events', () => {
  expect(isResolvable(quarantined({ type: 'recent-urls-r1' }))).toBe(true)
  expect(isResolvable(quarantined({ type: 'recent-urls-r12', message: 'mapper_parsing_exception' }))).toBe(true)
  expect(isResolvable(quarantined({ type: 'events-page_visit-2026.01.31' }))).toBe(false)
  expect(isResolvable(quarantined({ type: 'nobody-r1' }))).toBe(false)
})

test('a reindex resolves changes that the documents missed, but not those that the windows missed', () => {
  const functions = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rawEventsFunction: 'raw',
    documentsFunction: 'documents',
  }
  const missedBy = (name: string) => {
    const requestContext = { functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}` }
    const text = JSON.stringify({ requestContext, timestamp: '2026-01-01T00:00:00Z', DDBStreamBatchInfo: {} })
    return fromDiscarded(text, functions).map(event => isResolvable(quarantined(event)))
  }
  expect(missedBy('documents')).toEqual([true])
  expect(missedBy('windows')).toEqual([false])
})

test('a reindex resolves no event that was rejected itself', () => {
  expect(isResolvable(quarantined({ ...reject('invalid_event'), type: aVisit('/a', 1).type }))).toBe(false)
})
