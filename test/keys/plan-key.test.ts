import { expiry, quota } from '../../cli/keys/key-options.ts'
import { limitKey, type NewKey, planKey } from '../../lambdas/keys/plan-key.ts'

const plan = (facts: Partial<NewKey> = {}, existing: Parameters<typeof planKey>[1] = []) =>
  planKey({ name: 'web', scope: 'write', text: 'mr_write_x', created: 0, ...facts }, existing)

test('a write key claims its own name only; with * every source', () => {
  expect(plan()).toMatchObject({ source: 'web', sources: [], types: '*', origins: '*' })
  expect(plan({ sources: '*' })).toMatchObject({ source: 'web', sources: '*' })
  expect(plan({ scope: 'admin' })).toMatchObject({ sources: '*' })
})

test('a client key has one source: its name, or the one that is given', () => {
  expect(plan({ scope: 'client' })).toMatchObject({ source: 'web', sources: [] })
  expect(plan({ scope: 'client', sources: ['shop'] })).toMatchObject({ source: 'shop', sources: [] })
  for (const sources of ['*', ['a', 'b']] as const) expect(() => plan({ scope: 'client', sources })).toThrow('exactly one source')
})

test('options that a scope does not have are refused', () => {
  expect(() => plan({ scope: 'read', types: ['note'] })).toThrow('A read key sends no events')
  expect(() => plan({ scope: 'admin', sources: ['a'] })).toThrow('every source')
  expect(() => plan({ secret: 's' })).toThrow('Only a client key has a secret')
})

test('two keys of one name may live together, but a client key shares its name with client keys only', () => {
  expect(plan({ text: 'second' }, [plan()])).toMatchObject({ name: 'web' })
  expect(plan({ scope: 'read' }, [plan()])).toMatchObject({ name: 'web' })
  expect(() => plan({ scope: 'client' }, [plan()])).toThrow('named web, too')
  expect(() => plan({ scope: 'write' }, [plan({ scope: 'client' })])).toThrow('named web, too')
})

test('a change replaces what it names and keeps the rest', () => {
  const key = plan({ scope: 'client', types: ['note'], origins: ['https://a'] })
  expect(limitKey(key, { types: ['note', 'page_visit'] })).toEqual({ ...key, types: ['note', 'page_visit'] })
  expect(limitKey(key, { sources: ['shop'] })).toMatchObject({ source: 'shop', sources: [] })
})

test.each([
  ['none', { minute: 'none', day: 'none' }],
  ['6000/minute', { minute: 6000, day: 'none' }],
  ['10/day,5/minute', { minute: 5, day: 10 }],
])('the quota %s', (text, expected) => {
  expect(quota(text)).toEqual(expected)
})

test.each(['', '0/day', '5', '5/hour', '-1/day', '1e9/day'])('not a quota: %j', text => {
  expect(() => quota(text)).toThrow('6000/minute')
})

const NOW = Date.UTC(2026, 0, 1)

test.each([
  ['12h', 12],
  ['2d', 48],
  ['2026-01-02', 24],
  ['2026-01-01T01:00:00+00:00', 1],
])('expires %s', (text, hours) => {
  expect(expiry(text, undefined, NOW)).toBe(NOW + hours * 3_600_000)
})

test.each(['2025-12-31', '0d', 'soon', '1', '5 d', '2026-13-01'])('not a time in the future: %j', text => {
  expect(() => expiry(text, undefined, NOW)).toThrow('in the future')
})
