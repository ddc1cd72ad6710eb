import { setTimeout as delay } from 'node:timers/promises'
import { redactKeys } from '../../shared/redact-keys.ts'

const SECRET = 'Yk3-_bTDhUmbtTbez0NgKxB1H-H28lePdsZmOd-TB8x'
const keys = ['write', 'read', 'admin', 'client'].map(scope => `mr_${scope}_${SECRET}`)

const escaped = (text: string): string => [...text].map(each => `\\u00${each.charCodeAt(0).toString(16).toUpperCase()}`).join('')
const percent = (text: string): string => [...text].map(each => `%${each.charCodeAt(0).toString(16)}`).join('')

test.each(keys)('%s is removed, as it is and escaped', key => {
  const spellings = [
    key,
    escaped(key),
    percent(key),
    escaped(key).replaceAll('\\', '\\\\'),
    percent(key).replaceAll('%', '%25'),
    percent(key).replaceAll('%', '\\u0025'),
    key.replace('_', '%5F').replace('r', '\\u0072'),
    key.slice(0, -10),
  ]
  for (const spelling of spellings) expect(redactKeys(`{"a":"${spelling}"}`)).toBe('{"a":"mr_redacted"}')
})

test('every key of a text is removed, and nothing after it', () => {
  expect(redactKeys(`/v1?writeKey=${keys[0]}&b=%20c ${keys[1]}"`)).toBe('/v1?writeKey=mr_redacted&b=%20c mr_redacted"')
})

test('other text stays: names that begin like a key, and lone escapes', () => {
  for (const text of ['mr_write_short', 'mr_other_0123456789abcdef0123', 'mr write', '\\u006d', '%6d', 'mister_write'])
    expect(redactKeys(text)).toBe(text)
})

test('4 MB of beginnings of keys are redacted before the deadline of the test', async () => {
  const repeated = (text: string) => text.repeat(2 ** 22 / text.length)
  for (const text of ['\\', '%25', 'mr_', '\\u0025', 'm\\u0072_']) {
    expect(redactKeys(repeated(text)) === repeated(text)).toBe(true)
    // Without a turn of the event loop, no deadline would be noticed.
    await delay(1)
  }
  expect(redactKeys(repeated('mr_write_')).replaceAll('mr_redacted_write_', '')).toBe('mr_write_')
  await delay(1)
})
