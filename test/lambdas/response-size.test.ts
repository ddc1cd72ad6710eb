import { gunzipSync } from 'node:zlib'
import { toClient } from '../../lambdas/http-response.ts'
import { rowsThatFit } from '../../lambdas/response-size.ts'
import { MAX_PAGE_BYTES, MAX_RESPONSE_BYTES } from '../../shared/limits.ts'

/** The bytes of a body as Lambda counts them: as a JSON string. */
const counted = (body: unknown): number => Buffer.byteLength(JSON.stringify(JSON.stringify(body)))
const asText = (body: unknown): number => Buffer.byteLength(JSON.stringify(body))

test.each([
  ['plain text', 'x', 6_000, 694],
  ['quotes, which Lambda escapes twice', '"', 6_000, 239],
  ['control characters', '\u0001', 6_000, 116],
  ['characters of four bytes', '😀', 1_500, 694],
])('of 1,000 rows with 6 KB of %s those fit that Lambda and the limit of a page allow', (_, character, count, fitting) => {
  const rows = Array.from({ length: 1_000 }, (_, n) => ({ n, text: character.repeat(count) }))
  const page = rowsThatFit(rows)
  expect(page).toEqual(rows.slice(0, page.length))
  expect([asText(page) <= MAX_PAGE_BYTES, counted(page) <= MAX_RESPONSE_BYTES]).toEqual([true, true])
  expect(Math.abs(page.length - fitting)).toBeLessThan(4)
})

test.each([
  ['gzip', 'gzip', true],
  ['gzip among others', 'br, gzip;q=0.8, *;q=0.1', true],
  ['gzip with weight 0', 'gzip;q=0', false],
  ['no gzip', 'br', false],
  ['nothing', undefined, false],
])('a response of 64 KB to a client that accepts %s: gzip %j is %j', (_, accepted, isGzip) => {
  const body = JSON.stringify('x'.repeat(65_536))
  const response = toClient('GET', { 'accept-encoding': accepted }, { statusCode: 200, headers: { vary: 'origin' }, body })
  expect(response.headers).toMatchObject({ vary: 'origin, accept-encoding', ...(isGzip && { 'content-encoding': 'gzip' }) })
  const sent = response.isBase64Encoded ? gunzipSync(Buffer.from(response.body ?? '', 'base64')).toString() : response.body
  expect([response.isBase64Encoded === true, sent === body]).toEqual([isGzip, true])
})

test('a smaller response is sent as it is', () => {
  const response = { statusCode: 200, body: 'x'.repeat(65_535) }
  expect(toClient('GET', { 'accept-encoding': 'gzip' }, response)).toBe(response)
})
