import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { eventsApi, waitBefore } from '../../cli/sending/api.ts'
import type { Batch } from '../../cli/sending/batches.ts'
import { deliver, nothing } from '../../cli/sending/deliver.ts'
import { halving } from '../../cli/sending/halve.ts'

const runtime = { now: () => Date.parse('2026-01-01T00:00:00Z'), random: () => 1, sleep: async () => {} }

test('waitBefore honours Retry-After in seconds and as a date', () => {
  expect(waitBefore(1, '3', runtime)).toBe(3_000)
  expect(waitBefore(5, '0', runtime)).toBe(0)
  expect(waitBefore(1, 'Thu, 01 Jan 2026 00:00:07 GMT', runtime)).toBe(7_000)
  expect(waitBefore(1, 'Wed, 31 Dec 2025 00:00:00 GMT', runtime)).toBe(0)
})

test('without a valid Retry-After, the wait doubles up to 30 seconds, with jitter', () => {
  expect([1, 2, 3, 20].map(attempt => waitBefore(attempt, null, runtime))).toEqual([500, 1_000, 2_000, 30_000])
  expect(waitBefore(2, 'soon', { ...runtime, random: () => 0 })).toBe(500)
})

test('an API that fails is given up after 15 minutes, also when the body is divided', async () => {
  const server = createServer((_, response) => response.writeHead(503, { 'retry-after': '60' }).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let now = 0
  const clock = {
    now: () => now,
    random: () => 1,
    async sleep(milliseconds: number) {
      now += milliseconds
    },
  }
  const { port } = server.address() as AddressInfo
  const send = halving(eventsApi(new URL(`http://127.0.0.1:${port}/`), 'key', clock))
  await expect(send(Buffer.from('1\n2\n3\n4\n5\n6\n7\n8\n'))).rejects.toThrow('does not accept events (503)')
  expect(now).toBe(15 * 60_000)
  server.closeAllConnections()
  await new Promise(closed => server.close(closed))
})

/** Batches of these sizes, and a clock that only `sleep` advances. */
function setting(counts: readonly number[]) {
  let now = 1_000
  const sentAt: number[] = []
  const batches = (async function* (): AsyncGenerator<Batch> {
    for (const count of counts) {
      const lines = Array.from({ length: count }, (_, n) => n + 1)
      yield { body: Buffer.from('x'), count, lines, oversized: [], digest: '' }
    }
  })()
  const sleep = async (milliseconds: number) => {
    now += milliseconds
  }
  const clock = { now: () => now, random: () => 0, sleep }
  const post = async () => {
    sentAt.push(now - 1_000)
    return { accepted: counts[sentAt.length - 1] ?? 0, quarantined: [] }
  }
  return { batches, clock, post, sentAt }
}

test('deliver adds the results to the totals confirmed before', async () => {
  const { batches, clock } = setting([3, 2])
  const rejected = { index: 0, id: null, code: 'malformed_json', message: '' }
  const results = [
    { accepted: 2, quarantined: [rejected] },
    { accepted: 2, quarantined: [] },
  ]
  const before = { lines: 10, accepted: 9, quarantined: 1, rejected: [] }
  const seen: number[] = []
  const totals = await deliver({
    batches,
    post: async () => results.shift() ?? { accepted: 0, quarantined: [] },
    rate: undefined,
    runtime: clock,
    before,
    confirmed: (_, { lines }) => void seen.push(lines),
  })
  expect(totals).toEqual({
    lines: 15,
    accepted: 13,
    quarantined: 2,
    rejected: [{ code: 'malformed_json', count: 1, examples: [{ line: 1, message: '' }] }],
  })
  expect(seen).toEqual([13, 15])
})

test('with a rate, deliver sends no event early', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 1000 }),
      async (counts, rate) => {
        const { batches, clock, post, sentAt } = setting(counts)
        await deliver({ batches, post, rate, runtime: clock, before: nothing, confirmed: () => {} })
        const due = counts.map((_, i) => (counts.slice(0, i).reduce((sum, count) => sum + count, 0) / rate) * 1000)
        for (const [i, at] of sentAt.entries()) expect(at).toBeCloseTo(due[i] ?? 0, 6)
      },
    ),
  )
})
