import { type SpentMarks, spentKeys } from '../../lambdas/ingest/spent-keys.ts'
import { aClientKey } from '../fixtures/keys.ts'

const NOON = Date.UTC(2026, 0, 31, 12)
const DAY_MS = 86_400_000

/** The marks of all environments. */
function marksInMemory(): SpentMarks {
  const days = new Map<string, string>()
  return {
    async markSpent(keyId, day) {
      const isFirst = days.get(keyId) !== day
      days.set(keyId, day)
      return isFirst
    },
  }
}

function environments(
  count: number,
  marks = marksInMemory(),
  send = async (_id: string, _day: string): Promise<void> => undefined,
) {
  const clock = { now: NOON }
  const annotations: Record<string, unknown> = {}
  const notice = { send: ({ id }: { readonly id: string }, day: string) => send(id, day) }
  const annotate = (name: string, value: unknown): void => {
    annotations[name] = value
  }
  const tellers = Array.from({ length: count }, () => spentKeys({ marks, notice, now: () => clock.now }))
  const tell = async (name: string) => {
    for (const teller of tellers) await teller(aClientKey({ id: name }), { annotate })
  }
  return { clock, annotations, tell }
}

test('twenty environments send one message for each key and day', async () => {
  const sent: [string, string][] = []
  const { clock, tell } = environments(20, undefined, async (id, day) => void sent.push([id, day]))
  await tell('a')
  await tell('a')
  await tell('b')
  clock.now += DAY_MS
  await tell('a')
  expect(sent).toEqual([
    ['a', '2026-01-31'],
    ['b', '2026-01-31'],
    ['a', '2026-02-01'],
  ])
})

test('a message that could not be sent is in the log, and the request goes on', async () => {
  const { annotations, tell } = environments(1, undefined, async () => Promise.reject(new TypeError('secret')))
  await tell('a')
  expect(annotations['noticeError']).toMatch(/^TypeError/)
  expect(JSON.stringify(annotations)).not.toContain('secret')
})
