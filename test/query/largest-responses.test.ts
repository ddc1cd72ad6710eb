import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { rollDice } from '../../cli/simulators/dice.ts'
import { MAX_PAGE_BYTES, MAX_RESPONSE_BYTES } from '../../shared/limits.ts'
import { routes } from '../../shared/routes.ts'
import { largestResponses, type TextOf } from '../fixtures/largest-responses.ts'

const dice = rollDice(1)
/** Random characters of three bytes, which gzip cannot make much smaller. */
const RANDOM = Array.from({ length: 400_000 }, () => String.fromCharCode(dice.integer(0x3000, 0xd7ff))).join('')

/** Texts by what is large about them. */
const texts: Readonly<Record<string, TextOf>> = {
  plain: bytes => 'x'.repeat(bytes),
  quotes: bytes => '"'.repeat(bytes / 2),
  controls: bytes => '\u0001'.repeat(bytes / 6),
  random: (bytes, n) => RANDOM.slice((n * 10_007) % 50_000, ((n * 10_007) % 50_000) + bytes / 3),
}

/** The routes of single calls are those of batches: one text is enough. */
const ALL_TEXTS: readonly RegExp[] = [/^GET/, /^OPTIONS/, /^ANY/, /^POST \/v1\/(events|events\/\{type\}|batch)$/]
const textsFor = (key: string) =>
  Object.entries(texts).filter(([name]) => name === 'quotes' || ALL_TEXTS.some(pattern => pattern.test(key)))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-largest-'))
})
afterEach(() => rm(folder, { recursive: true }))

const found: { route: string; counted: number; text: number; largestIs: string }[] = []
afterAll(() => console.table(found.toSorted((a, b) => b.counted - a.counted)))

test.each(routes.map(({ key }) => key))('the largest response of %s is one that Lambda accepts', async key => {
  let largest = { route: key as string, counted: 0, text: 0, largestIs: '' }
  for (const [name, text] of textsFor(key))
    for (const acceptsGzip of name === 'random' ? [false, true] : [false])
      for (const response of await largestResponses(key, { text, acceptsGzip, folder })) {
        // Lambda holds the response as JSON: the body is a string in it.
        const counted = Buffer.byteLength(JSON.stringify(response))
        const bytes = response.isBase64Encoded ? 0 : Buffer.byteLength(response.body ?? '')
        expect(counted).toBeLessThanOrEqual(MAX_RESPONSE_BYTES)
        expect(bytes).toBeLessThanOrEqual(MAX_PAGE_BYTES)
        const largestIs = `${name}${response.isBase64Encoded ? ', gzip' : ''}`
        if (counted > largest.counted) largest = { route: key, counted, text: bytes, largestIs }
      }
  found.push(largest)
  expect(largest.counted).toBeGreaterThan(0)
})
