import fc from 'fast-check'
import { waitBefore } from '../../cli/sending/api.ts'
import type { Batch } from '../../cli/sending/batches.ts'
import { deliver, nothing } from '../../cli/sending/deliver.ts'

const world = { now: () => Date.parse('2026-01-01T00:00:00Z'), random: () => 1, sleep: async () => {} }

test('Retry-After is honoured, in seconds and as a date', () => {
  expect(waitBefore(1, '3', world)).toBe(3_000)
  expect(waitBefore(5, '0', world)).toBe(0)
  expect(waitBefore(1, 'Thu, 01 Jan 2026 00:00:07 GMT', world)).toBe(7_000)
  expect(waitBefore(1, 'Wed, 31 Dec 2025 00:00:00 GMT', world)).toBe(0)
})

test('without Retry-After, or with nonsense in it, the wait doubles up to half a minute, with jitter', () => {
  expect([1, 2, 3, 20].map(attempt => waitBefore(attempt, null, world))).toEqual([500, 1_000, 2_000, 30_000])
  expect(waitBefore(2, 'soon', { ...world, random: () => 0 })).toBe(500)
})

/** Batches of these sizes, and a clock that only sleeping moves. */
function setting(counts: readonly number[]) {
  let now = 1_000
  const sentAt: number[] = []
  const batches = (async function* (): AsyncGenerator<Batch> {
    for (const count of counts) yield { body: Buffer.from('x'), count, end: 0 }
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

test('the totals add up over the answers and what was confirmed before', async () => {
  const { batches, clock } = setting([3, 2])
  const refused = { index: 0, id: null, code: 'malformed_json', message: '' }
  const answers = [
    { accepted: 2, quarantined: [refused] },
    { accepted: 2, quarantined: [] },
  ]
  const before = { lines: 10, accepted: 9, quarantined: 1 }
  const seen: number[] = []
  const totals = await deliver({
    batches,
    post: async () => answers.shift() ?? { accepted: 0, quarantined: [] },
    rate: undefined,
    runtime: clock,
    before,
    confirmed: (_, { lines }) => void seen.push(lines),
  })
  expect(totals).toEqual({ lines: 15, accepted: 13, quarantined: 2 })
  expect(seen).toEqual([13, 15])
})

test('with a rate no event leaves before its turn', async () => {
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
