import * as z from 'zod/mini'
import { inGroups } from '../../lambdas/ingest/replay-groups.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { aQuarantine, catalogue, NOW } from '../fixtures/a-quarantine.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

/** What one event must not stop: the replay of the others of its call. */
const visit = aQuarantinedEvent({ id: 'e1', body: '{"id":"e1","type":"page_visit","data":{"Id":1,"Url":"/a","Timestamp":2}}' })

const documentOf = (n: number): QuarantinedEvent =>
  aQuarantinedEvent({
    code: 'document_refused',
    type: 'page-visits-r1',
    form: 'text',
    body: JSON.stringify({ action: 'index', index: 'page-visits-r1', id: `u${n}`, version: 1, document: {} }),
  })

const throwing = (where: Partial<EventType>): EventType =>
  ({ ...catalogue.get('page_visit'), name: 'broken', fields: { x: z.number() }, ...where }) as EventType
const fail = () => {
  throw new RangeError('secret of the event')
}

test.each([
  ['conform', { conform: fail }],
  ['user', { conform: (row: unknown) => row, user: fail }],
  ['time', { conform: (row: unknown) => row, user: () => '1', time: fail }],
] as [string, Partial<EventType>][])(
  'an event on which %s of its type throws is refused alone, with the type and the error',
  async (_, where) => {
    const bad = aQuarantinedEvent({ code: 'type_not_allowed', type: 'broken', body: '{"type":"broken","data":{"x":1}}' })
    const { ids, replay, items } = await aQuarantine({ ...bad, code: 'date_invalid' }, visit)
    const outcomes = await replay({ eventTypes: new Map([...catalogue, ['broken', throwing(where)]]) })
    expect(outcomes).toMatchObject([{ replayed: false, code: 'date_invalid' }, { replayed: true }])
    expect(ids).toEqual(['e1'])
    const [item] = await items()
    expect(item).toMatchObject({ code: 'date_invalid', message: expect.stringMatching(/the type broken threw RangeError/) })
    expect(item?.message).not.toContain('secret')
  },
)

test.each([
  ['an envelope', { form: 'envelope' }],
  ['a document', { code: 'document_refused', form: 'text' }],
  ['a delta', { code: 'not_merged', form: 'text' }],
] as [string, Partial<QuarantinedEvent>][])('%s that is no JSON is refused alone', async (_, facts) => {
  const { ids, replay } = await aQuarantine(aQuarantinedEvent({ ...facts, body: '{' }), visit)
  expect(await replay({ writeDocument: async () => undefined })).toMatchObject([{ replayed: false }, { replayed: true }])
  expect(ids).toEqual(['e1'])
})

test('a delta or a document whose store throws is refused alone, and keeps its reason', async () => {
  const delta = aQuarantinedEvent({ code: 'not_merged', form: 'text', body: '{"projection":"p","ord":1}' })
  const { replay, items } = await aQuarantine(delta, documentOf(1), documentOf(2))
  const writeDocument = async ({ id }: { readonly id: string }) => (id === 'u1' ? fail() : undefined)
  expect(await replay({ mergeDelta: async () => fail(), writeDocument })).toMatchObject([
    { code: 'unavailable' },
    { code: 'unavailable', message: expect.stringContaining('RangeError') },
    { replayed: true },
  ])
  expect(await items()).toMatchObject([{ message: delta.message }, { message: delta.message }])
})

test('events are in the stream, and deltas in their windows, before the first document waits for OpenSearch', async () => {
  const delta = aQuarantinedEvent({ code: 'not_merged', form: 'text', body: '{"projection":"p","ord":1}' })
  const { ids, replay, items } = await aQuarantine(documentOf(1), delta, visit)
  const writeDocument = async () => {
    expect(ids).toEqual(['e1'])
    expect(await items()).toMatchObject([{ code: 'document_refused' }])
    return undefined
  }
  expect(await replay({ writeDocument })).toMatchObject([{ replayed: true }, { replayed: true }, { replayed: true }])
})

test('after documents that waited for OpenSearch in vain, no other is tried: the function must end in its time', async () => {
  const documents = Array.from({ length: 100 }, (_, n) => documentOf(n))
  const { replay, items } = await aQuarantine(...documents)
  let time = NOW
  let tried = 0
  const writeDocument = async () => {
    tried += 1
    await Promise.resolve()
    time = NOW + 30_000
    return reject('unavailable')
  }
  const outcomes = await replay({ now: () => time, writeDocument })
  expect(tried).toBeLessThan(50)
  expect(outcomes).toHaveLength(100)
  expect(new Set(outcomes.map(outcome => (outcome.replayed ? '' : outcome.code)))).toEqual(new Set(['unavailable']))
  expect(new Set((await items()).map(({ message }) => message))).toEqual(new Set([documents[0]?.message]))
})

test('the bodies of events that are refused in any case are not read', async () => {
  const body = (n: number) => `${n}${'x'.repeat(1_000)}`
  const refused = [
    aQuarantinedEvent({ code: 'changes_unread', form: 'text', body: body(1) }),
    aQuarantinedEvent({ form: 'text', body: body(2) }),
    aQuarantinedEvent({ form: 'base64', body: Buffer.from(body(3)).toString('base64') }),
    aQuarantinedEvent({ size: 100_000, body: body(4) }),
  ]
  const { reader, replay } = await aQuarantine(...refused, visit)
  const read: number[] = []
  const quarantine = {
    ...reader,
    read: async (...call: Parameters<typeof reader.read>) => {
      const event = await reader.read(...call)
      read.push(event?.body.length ?? -1)
      return event
    },
  }
  expect((await replay({ quarantine })).map(({ replayed }) => replayed)).toEqual([false, false, false, false, true])
  expect(read).toEqual([0, 0, 0, 0, visit.body.length])
})

describe('the groups of a call', () => {
  const groupsOf = async (characters: number) => {
    const body = 'x'.repeat(characters)
    const keys = Array.from({ length: 100 }, (_, n) => `k${n}`)
    const read = async (key: string) => ({ ...visit, key, count: 1, body })
    const groups: (readonly string[])[] = []
    for await (const group of inGroups(keys, read)) groups.push(group.map(({ key }) => key))
    expect(groups.flat()).toEqual(keys)
    return groups.map(({ length }) => length)
  }

  test('small events are one group, in their order', async () => {
    expect(await groupsOf(64_000)).toEqual([100])
  })

  test('no group has more bodies than the memory holds', async () => {
    expect(Math.max(...(await groupsOf(2 ** 20)))).toBe(8)
    expect(Math.max(...(await groupsOf(2 ** 20 - 1)))).toBe(16)
  })
})
