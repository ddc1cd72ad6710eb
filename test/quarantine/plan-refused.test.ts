import { planReplay } from '../../lambdas/ingest/plan-replay.ts'
import { bundleOf, eventsOf } from '../../lambdas/quarantine/bundle.ts'
import { planRefused } from '../../lambdas/quarantine/plan-refused.ts'
import { type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

const KB = 2 ** 10
const aText = (body: string, facts: Partial<QuarantinedEvent> = {}) =>
  aQuarantinedEvent({ form: 'text', type: null, body, ...facts })
const kept = (event: QuarantinedEvent): QuarantinedEvent => planRefused([event]).alone[0] as QuarantinedEvent

test('an event of 64 KB is kept whole; of a larger one the beginning is, with its size, a note and the key of the whole', () => {
  expect(kept(aText('x'.repeat(64 * KB)))).toEqual(aText('x'.repeat(64 * KB)))
  const large = aText('x'.repeat(64 * KB + 1))
  expect(kept(large)).toEqual({
    ...large,
    body: 'x'.repeat(64 * KB),
    message: 'No. Only the first 64 KB of its 65,537 bytes are kept.',
    size: 65_537,
    wholeKey: quarantineKey(large),
  })
})

test('no character is cut in half, and bytes that are not UTF-8 are counted as bytes', () => {
  const text = `${'x'.repeat(64 * KB - 1)}\u{1f600}${'y'.repeat(9)}`
  expect(kept(aText(text))).toMatchObject({ body: 'x'.repeat(64 * KB - 1), size: 64 * KB + 12 })
  const bytes = Buffer.alloc(65 * KB, 0xff)
  expect(kept(aText(bytes.toString('base64'), { form: 'base64' }))).toMatchObject({
    body: bytes.subarray(0, 64 * KB).toString('base64'),
    size: 65 * KB,
  })
})

test('an accepted event is never cut', () => {
  const line = aQuarantinedEvent({ code: 'record_refused', form: 'line', body: 'x'.repeat(100 * KB) })
  expect(kept(line)).toEqual(line)
})

test('large events with equal beginnings are two events; equal large events are one, also in a bundle', () => {
  const beginning = 'x'.repeat(70 * KB)
  const [a, b] = [aText(`${beginning}a`), aText(`${beginning}b`)]
  expect(planRefused([a, b, a]).alone.map(({ count = 1, wholeKey }) => [count, wholeKey])).toEqual([
    [2, quarantineKey(a)],
    [1, quarantineKey(b)],
  ])
  const others = Array.from({ length: 20 }, (_, n) => aText(String(n)))
  const { bundle } = planRefused([a, b, ...others])
  const keys = bundle && eventsOf(bundle).map(quarantineKey)
  expect(keys).toEqual([a, b, ...others].map(quarantineKey))
})

test('a replay says that only the beginning is kept, the second time with the same message', () => {
  const large = kept(
    aQuarantinedEvent({ code: 'event_too_large', body: JSON.stringify({ type: 'a', data: 'x'.repeat(70_000) }) }),
  )
  const rules = { eventTypes: new Map(), keys: [], signedTraits: false }
  const stored = { ...large, key: quarantineKey(large), count: 1 }
  const message = 'No. Only the first 64 KB of its 70,022 bytes are kept. It cannot be replayed; send a shorter event.'
  const refused = { kind: 'refuse', rejection: { code: 'event_too_large', message } }
  expect(planReplay(stored, rules)).toMatchObject(refused)
  expect(planReplay({ ...stored, message }, rules)).toMatchObject(refused)
})

test('a bundle depends on its events and not on when they arrived; its events have their arrivals', () => {
  const at = (received: number) => Array.from({ length: 20 }, (_, n) => aText(String(n), { received }))
  expect(bundleOf(at(9))).toEqual({ ...bundleOf(at(5)), received: 9 })
  expect(bundleOf(at(5).reverse()).key).not.toBe(bundleOf(at(5)).key)
  const mixed = [...at(5), aText('late', { received: 7 })]
  expect(eventsOf(bundleOf(mixed))).toEqual(mixed)
})
