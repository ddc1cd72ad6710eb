import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { formatInstant, parseInstant } from '../../shared/time.ts'
import { eventOf, reportActions } from '../fixtures/reports/actions.ts'
import { archiveEvents } from '../fixtures/reports/folder-archive.ts'
import { plainEnrichedActions } from '../fixtures/reports/plain-enriched-actions.ts'

const at = parseInstant('2026-01-31T12:00:00.000001Z') ?? 0n
const THREE_HOURS = 10_800_000_000n

/** Instants at, just before and just after both ends of the three hours, and the first and last possible instants. */
const time = fc.oneof(
  fc
    .constantFrom(at - 1n, at, at + 1n, at - THREE_HOURS - 1n, at - THREE_HOURS, at - THREE_HOURS + 1n, 0n, -1n)
    .map(formatInstant),
  fc.constantFrom('0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z'),
)
/** Few values, for many ties. UTF-16 reverses the order of the last two. */
const text = fc.constantFrom('', ' ', 'A', 'a', 'aa', 'ä', '\u0000', '\u{FFFD}', '\u{1F600}')

/** Few identities, for many repetitions. The test gives each a different arrival, so that the first one is unambiguous. */
const action = fc.record({
  event_id: fc.oneof(
    text.filter(id => id !== ''),
    fc.nat({ max: 40 }).map(String),
  ),
  source: fc.constantFrom('s', '\u{FFFD}', '\u{1F600}'),
  time,
  user_id: fc.constantFrom(0, 1, -1, 2 ** 53 - 1),
  app_name: text,
  event_action: fc.option(text),
  event_category: text,
  event_value: fc.option(fc.constantFrom(0, -1, 2 ** 53 - 1)),
})

test('the SQL and plain code give the same rows for any actions', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 120 }),
      fc.nat({ max: 120 }),
      fc.integer({ min: 1, max: 50 }),
      async (actions, cut, size) => {
        const folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
        try {
          const events = actions.map((one, n) => eventOf({ ...one, received: 2_000_000_000_000 - n }))
          await archiveEvents(folder, 'events/dt=2026-01-31/hour=12/a.parquet', events.slice(0, cut))
          await archiveEvents(folder, 'events/dt=2026-01-31/hour=13/b.parquet', events.slice(cut))
          const { rows } = await reportActions(folder, formatInstant(at), { rowsPerPart: size })
          const expected = plainEnrichedActions(events, at)
          expect(rows).toEqual(
            expected.map(({ time: event_time, ...row }) => ({ event_time: formatInstant(event_time), ...row })),
          )
        } finally {
          await rm(folder, { recursive: true })
        }
      },
    ),
    { numRuns: 40 },
  )
}, 120_000)
