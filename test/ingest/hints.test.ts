import { ingestInMemory, withKey } from '../fakes/ingest.ts'

const responseTo = async (path: string, body: unknown, headers = {}) =>
  (await ingestInMemory().request(path, { headers: { ...withKey, ...headers }, body: JSON.stringify(body) })).body

test('a field of another product gets a hint with the field that is meant; the event is accepted all the same', async () => {
  expect(await responseTo('/v1/events', [{ type: 'signup', id: '1', user: 'anna', timestamp: '2026-01-01' }])).toEqual({
    success: true,
    accepted: 1,
    quarantined: [],
    hints: [
      'user is not a field of an envelope and was ignored (1 event): use subject, or put it into data.',
      'timestamp is not a field of an envelope and was ignored (1 event): use time, or put it into data.',
    ],
  })
})

test('a hint repeats no name that only the client knows, and there are at most five', async () => {
  const names = ['user', 'ts', 'event', 'payload', 'uuid', 'origin', 'anna@example.com']
  const elements = Array.from({ length: 3 }, (_, i) => ({
    type: 't',
    id: `${i}`,
    ...Object.fromEntries(names.map(name => [name, 1])),
  }))
  const { hints } = await responseTo('/v1/events', elements)
  expect(hints).toHaveLength(5)
  expect(hints.at(-1)).toBe('Fields that an envelope does not have were ignored (3 events): put them into data.')
  expect(JSON.stringify(hints)).not.toContain('anna')
})

test.each([
  [
    'envelopes',
    '/v1/events',
    [{ type: 't', id: '1', source: 's', subject: 'u', time: '2026-01-01T00:00:00Z', data: { user: 1 } }],
  ],
  ['an envelope with its write key', '/v1/events', { type: 't', id: '1', writeKey: 'good', sentAt: '2026-01-01T00:00:00Z' }],
  ['raw rows with further fields', '/v1/events/page_visit', [{ Id: 1, Url: '/', Timestamp: 1, user: 'anna' }]],
  ['CloudEvents', '/v1/events', [{ specversion: '1.0', type: 't', id: '1', source: '/s', user: 'anna' }]],
  ['calls of an SDK', '/v1/batch', { batch: [{ type: 'track', event: 'e', userId: 'u', properties: {} }] }],
])('no hint for %s', async (_, path, body) => {
  expect(await responseTo(path, body)).not.toHaveProperty('hints')
})
