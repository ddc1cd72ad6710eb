import { replayAll, totalsOf } from '../../cli/quarantine/replay.ts'
import { selectItems } from '../../cli/quarantine/select.ts'
import { packReplays, planReplay } from '../../lambdas/ingest/plan-replay.ts'
import { fromDeliveryError, fromDiscarded, fromUncollected } from '../../lambdas/quarantine/plan-failures.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import {
  countDistinct,
  type QuarantinedEvent,
  quarantineKey,
  type ReplayOutcome,
  type StoredQuarantinedEvent,
} from '../../shared/quarantine.ts'
import { fromLines, lineForReader, toLine } from '../../shared/stream-record.ts'
import { aQuarantinedEvent, aVisit } from '../fixtures/builders.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const lineOf = (event: Event): string => toLine(event, catalogue.get(event.type))

const stored = (facts: Partial<QuarantinedEvent> = {}): StoredQuarantinedEvent => ({
  count: 1,
  ...aQuarantinedEvent(facts),
  key: quarantineKey(aQuarantinedEvent(facts)),
})
const rules = { eventTypes: catalogue, keys: [], signedTraits: false }
const replayOf = (facts: Partial<QuarantinedEvent> = {}) => planReplay(stored(facts), rules)

/** The event that a replay puts into the stream. */
function eventOf(facts: Partial<QuarantinedEvent>): Event | undefined {
  const replay = replayOf(facts)
  return replay.kind === 'put' ? fromLines(replay.lines.join('\n'), catalogue).events[0] : undefined
}

test('identical events are one event with a count; another key, type, body or whole body makes another event', () => {
  const same = Array.from({ length: 3 }, (_, i) => aQuarantinedEvent({ received: i }))
  const distinct = countDistinct([
    ...same,
    aQuarantinedEvent({ keyName: 'app' }),
    aQuarantinedEvent({ type: null }),
    aQuarantinedEvent({ body: '{}' }),
    aQuarantinedEvent({ wholeKey: 'of a large body with the same beginning' }),
  ])
  expect(distinct.map(({ count, received }) => [count, received])).toEqual([
    [3, 0],
    [undefined, 5],
    [undefined, 5],
    [undefined, 5],
    [undefined, 5],
  ])
  expect(countDistinct([...distinct, ...same])[0]).toMatchObject({ count: 6 })
})

describe('reading failures', () => {
  const context = { eventTypes: catalogue, rawEventsFunction: 'raw', documentsFunction: 'documents', isOn: () => true }
  const visit = aVisit('/a', 2, { id: 'v1', received: 7, source: 'web' })
  const discarded = (functionName: string, lines: readonly string[], more: object = { KinesisBatchInfo: {} }) =>
    JSON.stringify({
      requestContext: { functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}` },
      timestamp: '1970-01-01T00:00:09.000Z',
      payload: JSON.stringify({
        Records: [
          { kinesis: { data: Buffer.from(`${lines.join('\n')}\n`).toString('base64'), approximateArrivalTimestamp: 8.5 } },
        ],
      }),
      ...more,
    })

  test('a record that the state function did not finish: each of its lines would be replayed for all readers', () => {
    const { missed, unfinished } = fromDiscarded(discarded('state', [lineOf(visit)]), context)
    expect(missed).toEqual([])
    expect(unfinished.flatMap(({ lines }) => lines)).toMatchObject([
      {
        event: { id: 'v1' },
        quarantined: {
          code: 'record_unread',
          message: expect.stringContaining('replay'),
          type: 'page_visit',
          id: 'v1',
          keyName: 'web',
          received: 7,
          position: 0,
          form: 'line',
          body: lineOf(visit),
        },
      },
    ])
  })

  test('a record that only OpenSearch missed: replayed for search only, since the states have it', () => {
    expect(fromDiscarded(discarded('raw', [lineOf(visit)]), context)).toMatchObject({
      missed: [{ code: 'not_indexed', body: lineForReader('search', lineOf(visit)) }],
      unfinished: [],
    })
  })

  test('a line that ingest did not write is quarantined as text, and the other lines are read', () => {
    const [record] = fromDiscarded(discarded('state', ['{bad', lineOf(visit)]), context).unfinished
    expect(record?.lines).toMatchObject([
      { event: undefined, quarantined: { code: 'invalid_event', form: 'text', body: '{bad', received: 8500 } },
      { quarantined: { code: 'record_unread' } },
    ])
  })

  test.each([
    ['windows', /rebuild the windows from the archive/],
    ['documents', /millrace reindex/],
  ])('a batch of changes that the %s missed becomes one event that says what to do', (name, what) => {
    const text = discarded(name, [], { DDBStreamBatchInfo: {} })
    expect(fromDiscarded(text, context).missed).toEqual([
      expect.objectContaining({
        code: 'changes_unread',
        type: name,
        message: expect.stringMatching(what),
        body: text,
        received: 9000,
      }),
    ])
    expect(planReplay(stored({ code: 'changes_unread', form: 'text', body: text }), rules)).toMatchObject({ kind: 'refuse' })
  })

  test('a record that Firehose could not convert: replayed for the archive only, whole or as a single line', () => {
    const error = (lines: readonly string[]) =>
      `${JSON.stringify({ rawData: Buffer.from(lines.join('\n')).toString('base64'), arrivalTimestamp: 1, ErrorCode: 'x' })}\n`
    const other = aVisit('/b', 3, { id: 'v2' })
    expect(fromDeliveryError(error([lineOf(visit)]), context)).toMatchObject([
      { code: 'not_archived', id: 'v1', body: lineForReader('archive', lineOf(visit)) },
    ])
    expect(fromDeliveryError(error([lineOf(other), lineForReader('archive', lineOf(visit))]), context)).toMatchObject([
      { code: 'not_archived', id: 'v2' },
      { code: 'not_archived', id: 'v1', body: lineForReader('archive', lineOf(visit)) },
    ])
  })

  test('any other text throws', () => {
    expect(() => fromDiscarded('{}', context)).toThrow()
    expect(() => fromDeliveryError('hello', context)).toThrow()
    expect(() => fromUncollected('hello')).toThrow()
  })
})

describe('a replay', () => {
  test('keeps the event’s arrival, key and id; without an id the event always gets the same one', () => {
    const body = '{"id":"e7","type":"page_visit","data":{"Id":1,"Url":"/a","Timestamp":2}}'
    expect(eventOf({ body })).toMatchObject({ id: 'e7', source: 'web', received: 5, subject: '1' })
    expect(eventOf({})).toMatchObject({ id: stored().key, received: 5 })
    expect(replayOf()).toEqual(replayOf())
  })

  test('of equal events without an id puts each; the ids do not depend on later ones', () => {
    const idsOf = (count: number) => {
      const replay = planReplay({ ...stored(), count }, rules)
      return replay.kind === 'put' ? fromLines(replay.lines.join('\n'), catalogue).events.map(({ id }) => id) : []
    }
    const { key } = stored()
    // An earlier version stored the item, so it has no token of its first occurrence.
    expect(idsOf(3)).toEqual([key, `${key}#2`, `${key}#3`])
    expect(idsOf(2)).toEqual(idsOf(3).slice(0, 2))
    expect(planReplay({ ...stored({ id: 'e7', body: '{"id":"e7","type":"a"}' }), count: 3 }, rules)).toMatchObject({
      lines: [expect.stringContaining('"e7"')],
    })
    expect(planReplay({ ...stored(), count: 2501 }, rules)).toMatchObject({ kind: 'put', upTo: 2500 })
    expect(planReplay({ ...stored(), count: 2501, replayed: 2500 }, rules)).toMatchObject({
      lines: [expect.stringContaining(`"${key}#2501"`)],
      upTo: 2501,
    })
  })

  test('keeps the order of events that one request had', () => {
    const body = (id: string) => JSON.stringify({ id, type: 'page_visit', data: { Id: 1, Url: '/a', Timestamp: 2 } })
    const replays = [2, 0, 1].map(position => replayOf({ body: body(`u${position}`), position }))
    expect(packReplays(replays).flatMap(({ data }) => fromLines(data, catalogue).events.map(({ id }) => id))).toEqual([
      'u0',
      'u1',
      'u2',
    ])
  })

  test('is rejected with what is wrong with the event now', () => {
    expect(replayOf({ code: 'date_invalid', body: '{"type":"page_visit","data":{"Id":"x"}}' })).toMatchObject({
      kind: 'refuse',
      rejection: { code: 'invalid_event', message: 'Id must be an integer, not a string.' },
    })
    const large = JSON.stringify({ type: 'a', data: 'x'.repeat(33_000) })
    expect(replayOf({ type: 'a', body: large })).toMatchObject({ rejection: { code: 'event_too_large' } })
  })

  test('of an event that had been accepted checks only the rules of its type', () => {
    const large = JSON.stringify({ id: '1', type: 'a', source: 's', data: 'x'.repeat(33_000) })
    expect(replayOf({ code: 'projection_failed', subject: null, type: 'a', body: large })).toMatchObject({
      kind: 'put',
      partitionKey: '1',
    })
  })

  test('of a text is rejected, the second time with the same message', () => {
    const first = replayOf({ form: 'text', code: 'malformed_json', body: '{bad' })
    if (first.kind !== 'refuse') throw new Error('It was not rejected.')
    expect(first.rejection.message).toBe('No. It cannot be replayed; fix it and send it again.')
    expect(replayOf({ form: 'text', code: 'malformed_json', message: first.rejection.message, body: '{bad' })).toEqual(first)
  })

  test('for one reader is ignored by the others', () => {
    const line = lineOf(aVisit('/a', 1))
    for (const [reader, other] of [
      ['archive', 'search'],
      ['search', 'archive'],
    ] as const) {
      expect(replayOf({ code: 'not_archived', form: 'line', body: lineForReader(reader, line) })).toMatchObject({ kind: 'put' })
      expect(fromLines(lineForReader(reader, line), catalogue)).toMatchObject({ events: [], unrecognised: [] })
      expect(fromLines(lineForReader(reader, line), catalogue, other).events).toEqual([])
      expect(fromLines(lineForReader(reader, line), catalogue, reader).events).toHaveLength(1)
    }
  })

  test('of a document writes it unchanged', () => {
    const operation = { action: 'index', index: 'a-r1', id: '1', version: 3, document: { a: 1 } }
    expect(replayOf({ code: 'document_refused', form: 'text', body: JSON.stringify(operation) })).toEqual({
      kind: 'write',
      operation,
    })
  })

  test('a document that could not be made is left to a reindex', () => {
    const body = JSON.stringify({ index: 'recent-urls-r1', id: '7' })
    expect(replayOf({ code: 'document_refused', message: 'thrown', form: 'text', body })).toMatchObject({
      kind: 'refuse',
      rejection: { code: 'document_refused', message: 'thrown' },
    })
  })

  test('puts earlier arrivals first; a record has one user and one arrival', () => {
    const line = (id: string, subject: string, received: number) => lineOf(aVisit('/a', 1, { id, subject, received }))
    const lines = [line('3', '1', 9), line('1', '1', 4), line('2', '1', 4), line('4', '2', 9)]
    const records = packReplays(lines.map(body => replayOf({ form: 'line', code: 'record_unread', body })))
    expect(
      records.map(({ partitionKey, data }) => [partitionKey, fromLines(data, catalogue).events.map(({ id }) => id)]),
    ).toEqual([
      ['1', ['1', '2']],
      ['1', ['3']],
      ['2', ['4']],
    ])
  })
})

test('events are selected by key, code, type and time, in the order of arrival', () => {
  const items = [
    { key: 'ab', code: 'date_invalid', type: 'user_record', received: 30 } as const,
    { key: 'ac', code: 'invalid_event', type: 'user_record', received: 20 } as const,
    { key: 'bc', code: 'invalid_event', type: null, received: 10 } as const,
  ].map(item => ({ message: '', id: null, keyName: 'k', count: 1, ...item }))
  const keys = (filter: Parameters<typeof selectItems>[1]) => selectItems(items, filter).map(({ key }) => key)
  expect(keys({})).toEqual(['bc', 'ac', 'ab'])
  expect(keys({ key: 'a' })).toEqual(['ac', 'ab'])
  expect(keys({ code: 'invalid_event', type: 'user_record' })).toEqual(['ac'])
  expect(keys({ since: 20, until: 30 })).toEqual(['ac'])
})

test('the reasons of a replay are grouped, the most frequent first; keys without an outcome are gone', () => {
  const no = (key: string, code: 'date_invalid' | 'invalid_event') => ({ key, replayed: false as const, code, message: 'No.' })
  expect(
    totalsOf([no('1', 'date_invalid'), { key: '2', replayed: true }, no('3', 'invalid_event'), no('4', 'invalid_event')], 6),
  ).toEqual({
    replayed: 1,
    refused: 3,
    gone: 2,
    reasons: [
      { count: 2, code: 'invalid_event', message: 'No.' },
      { count: 1, code: 'date_invalid', message: 'No.' },
    ],
  })
})

test('events that are replayed in parts are replayed again until none is left; the last outcome counts', async () => {
  const left = new Map([
    ['a', 0],
    ['b', 2],
    ['c', 1],
  ])
  const calls: (readonly string[])[] = []
  const call = async (keys: readonly string[]): Promise<ReplayOutcome[]> => {
    calls.push(keys)
    return keys.map(key => {
      const remaining = left.get(key) ?? 0
      left.set(key, remaining - 1)
      return { key, replayed: true, ...(remaining > 0 && { remaining }) }
    })
  }
  const outcomes = await replayAll(['a', 'b', 'c'], call)
  expect(calls).toEqual([['a', 'b', 'c'], ['b', 'c'], ['b']])
  expect(outcomes).toEqual(['a', 'b', 'c'].map(key => ({ key, replayed: true })))
})
