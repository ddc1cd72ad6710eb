import { randomUUID } from 'node:crypto'
import { planReplay } from '../../lambdas/ingest/plan-replay.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { signatureOf } from '../../shared/key-rights.ts'
import type { Key } from '../../shared/keys.ts'
import { quarantineKey } from '../../shared/quarantine.ts'
import { fromLine } from '../../shared/stream-record.ts'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'
import { aClientKey, aKey } from '../fixtures/keys.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const visit = { Id: 7, Url: '/a', Timestamp: 1 }
const envelope = (facts: object = {}) => ({ type: 'page_visit', id: 'v-1', data: visit, ...facts })

/** Sends these events with one key. */
async function sendWith(key: Key, events: readonly object[], { path = '/v1/events', headers = {}, signedTraits = false } = {}) {
  const memory = ingestInMemory({ keys: { find: async () => key }, signedTraits })
  const response = await memory.request(path, { headers: { ...withKey, ...headers }, body: JSON.stringify(events) })
  return { ...memory, response }
}

describe('a client key', () => {
  test('gives its events its source, and keeps a claimed one as data', async () => {
    const { events, quarantined } = await sendWith(aClientKey(), [
      envelope(),
      envelope({ id: 'v-2', source: 'billing' }),
      envelope({ id: 'v-3', source: 'page' }),
      { type: 'note', id: 'n-1', source: 'billing', data: 'text' },
      { type: 'note', id: 'n-2', source: 'billing' },
      { type: 'note', id: 'n-3', source: 'billing', data: { claimed_source: 'mine' } },
    ])
    expect(quarantined).toEqual([])
    expect(new Set(events.map(({ source }) => source))).toEqual(new Set(['page']))
    expect(events.map(({ id, data }) => [id, data])).toEqual([
      ['v-1', visit],
      ['v-2', { ...visit, claimed_source: 'billing' }],
      ['v-3', visit],
      ['n-1', { value: 'text', claimed_source: 'billing' }],
      ['n-2', { claimed_source: 'billing' }],
      ['n-3', { claimed_source: 'mine', claimed_source_: 'billing' }],
    ])
  })

  test('cannot send the identity of an event of another source, in any form', async () => {
    const memory = ingestInMemory({ keys: { find: async key => (key === 'server' ? aKey({ name: 'shop' }) : aClientKey()) } })
    const send = (key: string, path: string, body: object, headers = {}) =>
      memory.request(path, { headers: { authorization: `Bearer ${key}`, ...headers }, body: JSON.stringify(body) })
    await send('page', '/v1/events', envelope({ source: 'shop' }))
    await send('page', '/v1/events/page_visit', { ...visit, event_id: 'v-1', source: 'shop' })
    await send('page', '/v1/track', { userId: '7', event: 'page_visit', messageId: 'v-1', properties: visit, source: 'shop' })
    await send('page', '/v1/events', visit, {
      'ce-specversion': '1.0',
      'ce-id': 'v-1',
      'ce-type': 'page_visit',
      'ce-source': 'shop',
    })
    await send('server', '/v1/events', envelope())
    expect(memory.events.map(({ id, source }) => [id, source])).toEqual([...Array(4).fill(['v-1', 'page']), ['v-1', 'shop']])
  })

  test('an invalid claimed source is quarantined', async () => {
    const { response } = await sendWith(aClientKey(), [envelope({ source: 5 }), envelope({ source: '' })])
    expect(response.body.quarantined.map(({ code }: { code: string }) => code)).toEqual(['invalid_event', 'invalid_event'])
  })
})

describe('a write key', () => {
  const shop = aKey({ name: 'shop', sources: ['till', 'web'] })

  test('claims only the sources that it was given; the other events of the request are accepted', async () => {
    const sources = [undefined, 'shop', 'till', 'web', 'billing']
    const { response, events, quarantined } = await sendWith(
      shop,
      sources.map((source, n) => envelope({ id: `v-${n}`, source })),
    )
    expect(response).toMatchObject({
      status: 200,
      body: { accepted: 4, quarantined: [{ index: 4, code: 'source_not_allowed' }] },
    })
    expect(events.map(({ source }) => source)).toEqual(['shop', 'shop', 'till', 'web'])
    expect(quarantined).toMatchObject([{ keyName: 'shop', keyId: 'k_shop' }])
    expect(response.body.quarantined[0].message).not.toContain('billing')
  })

  test('with the source * claims every source', async () => {
    const { events } = await sendWith(aKey(), [envelope({ source: 'billing' })])
    expect(events).toMatchObject([{ source: 'billing', keyId: 'k_web' }])
  })

  test('the rights are judged before the limits of a request, so that a replay need not judge them', async () => {
    const many = Array.from({ length: 2_502 }, (_, n) => ({
      type: 'note',
      id: `n-${n}`,
      ...(n > 2_500 && { source: 'billing' }),
    }))
    const { quarantined } = await sendWith(shop, many)
    expect(quarantined.map(({ code }) => code)).toEqual(['too_many_events', 'source_not_allowed'])
  })
})

test('a key sends only the types that it was given, also through SDK calls', async () => {
  const key = aClientKey({ types: ['page_visit'] })
  const { response } = await sendWith(key, [envelope(), { type: 'note', id: 'n-1' }])
  expect(response.body).toMatchObject({ accepted: 1, quarantined: [{ index: 1, id: 'n-1', code: 'type_not_allowed' }] })
  const identify = { type: 'identify', userId: '7', messageId: 'm-1', traits: {} }
  const sdk = await sendWith(key, [{ batch: [identify] }][0] as never, { path: '/v1/batch' })
  expect(sdk.response.body).toMatchObject({ accepted: 0, quarantined: [{ id: 'm-1', code: 'type_not_allowed' }] })
})

describe('the origin of a page', () => {
  const key = aClientKey({ origins: ['https://shop.example.com'] })
  const from = (origin?: string) => sendWith(key, [envelope()], { headers: origin === undefined ? {} : { origin } })

  test('is checked where the request has one', async () => {
    expect((await from()).response.status).toBe(200)
    expect((await from('https://shop.example.com')).response.status).toBe(200)
    for (const origin of ['https://evil.example.com', 'http://shop.example.com', 'https://shop.example.com:444', 'null', '']) {
      const { response, events } = await from(origin)
      expect([origin, response.status, response.body.code]).toEqual([origin, 403, 'key_origin'])
      expect(events).toEqual([])
    }
  })

  test('that is refused can read the answer', async () => {
    expect((await from('https://evil.example.com')).response.headers).toMatchObject({
      'access-control-allow-origin': '*',
    })
  })
})

describe('signed traits', () => {
  const secret = 'of the key'
  const key = aClientKey({ secret })
  const identify = (userId: string, context: object = {}, anonymousId?: string) => ({
    type: 'identify',
    messageId: 'm',
    userId,
    anonymousId,
    context,
    traits: { plan: 'free' },
  })
  const send = (calls: readonly object[], signedTraits = true, of: Key = key) =>
    sendWith(of, { batch: calls } as never, { path: '/v1/batch', signedTraits })

  test('are needed for a stated user, and the signature is not stored', async () => {
    const { response, events } = await send([
      identify('anna'),
      identify('anna', { user_signature: signatureOf('bert', secret) }),
      identify('anna', { user_signature: signatureOf('anna', 'another secret') }),
      identify('anna', { user_signature: signatureOf('anna', secret), page: '/a' }),
    ])
    expect(response.body.quarantined.map(({ index, code }: { index: number; code: string }) => [index, code])).toEqual(
      [0, 1, 2].map(index => [index, 'signature_invalid']),
    )
    expect(events).toMatchObject([{ subject: 'anna', data: { sdk: { context: { page: '/a' } }, traits: { plan: 'free' } } }])
    expect(JSON.stringify(events[0]?.data)).not.toContain('user_signature')
  })

  test('of an anonymous id are accepted only if the id is a UUID, so that it cannot be the id of a user', async () => {
    const anonymous = randomUUID()
    const { response, events } = await send([identify('', {}, anonymous), identify('', {}, 'anna')])
    expect(response.body.quarantined).toMatchObject([{ index: 1, code: 'signature_invalid' }])
    expect(events).toMatchObject([{ subject: anonymous }])
  })

  test('of raw rows have the signature beside the other fields', async () => {
    const row = { user_id: 'anna', traits: {}, sdk: { userId: '' } }
    const rows = [row, { ...row, user_signature: signatureOf('anna', secret) }]
    const { response, events } = await sendWith(key, rows, { path: '/v1/events/user_traits', signedTraits: true })
    expect(response.body).toMatchObject({ accepted: 1, quarantined: [{ index: 0, code: 'signature_invalid' }] })
    expect(events[0]?.data).not.toHaveProperty('user_signature')
  })

  test('are not needed from a write key, nor where the stage does not demand them', async () => {
    expect((await send([identify('anna')], false)).events).toHaveLength(1)
    expect((await send([identify('anna')], true, aKey())).events).toHaveLength(1)
  })

  test('of a key without a secret are rejected', async () => {
    const { response } = await send([identify('anna', { user_signature: signatureOf('anna', '') })], true, aClientKey())
    expect(response.body.quarantined).toMatchObject([{ code: 'signature_invalid' }])
  })
})

describe('a replay', () => {
  const replay = async (
    sender: Key,
    event: object,
    { keys = [], ...facts }: { keys?: readonly Key[]; code?: 'date_invalid' } = {},
  ) => {
    const { quarantined } = await sendWith(sender, [event])
    const [item] = quarantined
    if (!item) throw new Error('The event was not quarantined.')
    const stored = { ...item, ...facts, key: quarantineKey(item), count: 1 }
    const plan = planReplay(stored, { eventTypes: catalogue, keys, signedTraits: false })
    return plan.kind === 'put' ? fromLine(plan.lines[0] ?? '', catalogue) : plan.kind === 'refuse' ? plan.rejection.code : plan
  }

  test('of an event with a source that its key may not send needs a key of that name with the source', async () => {
    const shop = aKey({ name: 'shop', sources: [] })
    const event = envelope({ source: 'till' })
    expect(await replay(shop, event)).toBe('source_not_allowed')
    expect(await replay(shop, event, { keys: [shop, aKey({ name: 'other' }), aClientKey({ name: 'shop' })] })).toBe(
      'source_not_allowed',
    )
    const changed = aKey({ name: 'shop', id: 'k_new', sources: ['till'] })
    expect(await replay(shop, event, { keys: [changed] })).toMatchObject({ source: 'till', keyId: 'k_shop' })
  })

  test('of an event with a type that its key may not send needs the type', async () => {
    const page = aClientKey({ types: ['page_visit'] })
    const event = { type: 'note', id: 'n-1', source: 'billing' }
    expect(await replay(page, event, { keys: [page] })).toBe('type_not_allowed')
    expect(await replay(page, event, { keys: [aClientKey({ types: ['note'] })] })).toMatchObject({
      source: 'page',
      data: { claimed_source: 'billing' },
    })
  })

  test('of an event that is permitted and invalid is rejected for what is wrong with it', async () => {
    const page = aClientKey({ types: ['note'] })
    expect(await replay(page, envelope({ data: {} }), { keys: [aClientKey()] })).toBe('invalid_event')
  })

  test('of another event of a client key never has the source that the event claims, also when the key is gone', async () => {
    const record = { id: 1, first_name: null, last_name: null, email: 'a@x', gender: null, ip_address: null, country: 'Chad' }
    const event = { type: 'user_record', id: 'r-1', source: 'billing', data: { ...record, date: 'never' } }
    const { quarantined } = await sendWith(aClientKey(), [event])
    const [item] = quarantined
    if (!item) throw new Error('The event was not quarantined.')
    const fixed = { ...item, body: item.body.replace('never', '2026-01-31'), key: 'k', count: 1 }
    const plan = planReplay(fixed, { eventTypes: catalogue, keys: [], signedTraits: false })
    expect(plan.kind === 'put' && fromLine(plan.lines[0] ?? '', catalogue)).toMatchObject({ source: 'page', keyId: 'k_page' })
  })

  test('two keys of one name, one of them a client key, never share an item of the quarantine', async () => {
    const bad = envelope({ data: {} })
    const [ofPage] = (await sendWith(aClientKey({ name: 'web' }), [bad])).quarantined
    const [ofServer] = (await sendWith(aKey(), [bad])).quarantined
    expect(ofPage && ofServer && quarantineKey(ofPage) !== quarantineKey(ofServer)).toBe(true)
  })
})
