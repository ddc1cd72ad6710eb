import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { s3Of } from '../../cli/clients.ts'
import { listObjects } from '../../cli/parquet.ts'
import { rowsBelow } from '../../cli/report.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import type { Event } from '../../shared/event.ts'
import { formatInstant } from '../../shared/time.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { reportPages } from '../fixtures/report-pages.ts'
import { eventOf } from '../fixtures/reports/actions.ts'
import { plainEnrichedActions } from '../fixtures/reports/plain-enriched-actions.ts'
import { runScheduledThrice } from '../fixtures/scheduled-runs.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { send, untilSettled } from '../fixtures/thread.ts'

const MINUTES = 60_000
const HOUR_US = 3_600_000_000n
const folder = temporaryFolder('reports')

/** Users that only this run has: the same cloud holds actions of other tests. */
const seed = Date.now()
const users = [seed, seed + 1, -seed]
/** An instant that no other run of the report uses. */
const at = 1_769_860_800_000_000n + BigInt(seed % 1_000_000)

const rows = Array.from({ length: 1500 }, (_, n) => {
  const micros = at - HOUR_US * BigInt((n * 997) % 7) + BigInt((n * 31) % 3) - 1n
  return {
    event_id: `${seed}-${n}`,
    user_id: users[n % 3] ?? seed,
    app_name: `product_${n % 3}`,
    event_action: [null, 'scroll', '', '\u{1F600}', '\u{FFFD}'][(n * 7) % 5] ?? null,
    event_category: 'category_1',
    event_value: n % 4 === 0 ? null : n,
    event_time: textOf(micros),
  }
})
/** The same ids again, some with an earlier event time than in the first delivery, some with a later one. */
const redelivered = rows
  .slice(0, 300)
  .map((row, n) => ({ ...row, event_action: 'redelivered', event_time: textOf(at - HOUR_US * BigInt(n % 9)) }))

function textOf(micros: bigint): string {
  return formatInstant(micros).replace('T', ' ').replace('Z', '')
}

/** As the archive has them: the second delivery arrived later, and all have the source of the local write key. */
const events: Event[] = [rows, redelivered].flatMap((delivery, received) =>
  delivery.map(({ event_time, ...row }) => eventOf({ ...row, received, time: `${event_time.replace(' ', 'T')}Z` })),
)
const ofRun = (all: readonly Readonly<Record<string, unknown>>[]) => all.filter(row => users.includes(Number(row['user_id'])))
const expected = (instant: bigint) =>
  plainEnrichedActions(events, instant).map(({ time, ...row }) => ({ event_time: formatInstant(time), ...row }))

let target: Target
beforeAll(async () => {
  target = await findTarget(undefined)
  for (const [name, delivery] of Object.entries({ rows, redelivered })) {
    const file = path.join(folder, `${name}.jsonl`)
    await writeFile(file, delivery.map(row => JSON.stringify(row)).join('\n'))
    await send(file, 'app_action')
  }
  await untilSettled(180)
}, 5 * MINUTES)

interface Result {
  readonly prefix: string
  readonly rows: number
}

const published = (query: Record<string, string>) => reportPages(target, 'enriched-actions', { ...query, limit: '1000' })

test(
  'the report as of an instant equals a plain computation, to the microsecond and in order, and the API returns it page by page',
  async () => {
    const { prefix, rows: count } = await millraceJson<Result>('report', 'enriched-actions', '--at', formatInstant(at))
    const page = await published({ at: formatInstant(at) })
    expect(ofRun(page)).toEqual(expected(at))
    expect(page).toHaveLength(count)
    const objects = await listObjects(s3Of(target), target.outputs.ArchiveBucket, prefix)
    expect(objects.map(({ key }) => key)).toEqual([`${prefix}00000.parquet`])
    expect(await rowsBelow(target, prefix)).toHaveLength(count)
  },
  2 * MINUTES,
)

test(
  'two runs as of one instant publish equal rows under different prefixes; a run as of another instant publishes its own',
  async () => {
    const run = (instant: bigint) => millraceJson<Result>('report', 'enriched-actions', '--at', formatInstant(instant))
    const [first, second] = [await run(at), await run(at)]
    expect(second.prefix).not.toBe(first.prefix)
    expect(await rowsBelow(target, second.prefix)).toEqual(await rowsBelow(target, first.prefix))
    const earlier = at - 4n * HOUR_US
    await run(earlier)
    expect(ofRun(await published({ at: formatInstant(earlier) }))).toEqual(expected(earlier))
    expect(ofRun(await published({ at: formatInstant(at) }))).toEqual(expected(at))
  },
  3 * MINUTES,
)

test(
  'a run without an instant reads all events until now and becomes the newest; --show prints rows, their count and the columns',
  async () => {
    const { code, stdout } = await millrace(['report', 'enriched-actions', '--show'])
    expect(code).toBe(0)
    const newest = await published({})
    expect(ofRun(newest)).toHaveLength(ofRun(expected(at + 10n * HOUR_US)).length)
    const [, header, ...lines] = stdout.split('\n')
    expect(header).toBe('')
    expect(lines[0]?.trim().split(/ +/)).toEqual(Object.keys(newest[0] ?? {}))
    expect(lines.indexOf(`${newest.length} rows`)).toBe(51)
    expect(stdout).toMatch(/\nevent_time +TIMESTAMP\n/)
  },
  2 * MINUTES,
)

test(
  'a scheduled instant that fires more than once, also concurrently, is one run as of its full hour',
  async () => {
    const [hour, fired] = ['2026-02-01T15:00:00Z', '2026-02-01T15:10:00Z'] as const
    const { rows: count } = await runScheduledThrice(target, 'enriched-actions', fired)
    expect(await published({ at: hour })).toHaveLength(count)
  },
  2 * MINUTES,
)
