import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { s3Of } from '../../cli/clients.ts'
import { listObjects } from '../../cli/parquet.ts'
import { get } from '../../cli/query.ts'
import { rowsBelow, runReport } from '../../cli/report.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import type { Event } from '../../shared/event.ts'
import { formatInstant } from '../../shared/time.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { eventOf } from '../fixtures/reports/actions.ts'
import { plainEnrichedActions } from '../fixtures/reports/plain-enriched-actions.ts'

const MINUTES = 60_000
const HOUR_US = 3_600_000_000n

/** Users that no other test has: the cloud may hold other actions as well. */
const seed = Date.now()
const users = [seed, seed + 1, -seed]
/** An instant that no other run is as of. */
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
/** The same ids again: some happened earlier than they first said, some later. */
const again = rows
  .slice(0, 300)
  .map((row, n) => ({ ...row, event_action: 'again', event_time: textOf(at - HOUR_US * BigInt(n % 9)) }))

function textOf(micros: bigint): string {
  return formatInstant(micros).replace('T', ' ').replace('Z', '')
}

/** As the archive has them: the second sending arrived later, and all have the source of the local write key. */
const events: Event[] = [rows, again].flatMap((sent, received) =>
  sent.map(({ event_time, ...row }) => eventOf({ ...row, received, time: `${event_time.replace(' ', 'T')}Z` })),
)
const mine = (all: readonly Record<string, unknown>[]) => all.filter(row => users.includes(Number(row['user_id'])))
const expected = (instant: bigint) =>
  plainEnrichedActions(events, instant).map(({ time, ...row }) => ({ event_time: formatInstant(time), ...row }))

let target: Target
beforeAll(async () => {
  target = await findTarget(undefined)
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-reports-'))
  for (const [name, sent] of Object.entries({ rows, again })) {
    const file = path.join(folder, `${name}.jsonl`)
    await writeFile(file, sent.map(row => JSON.stringify(row)).join('\n'))
    await millraceJson('send', file, '--type', 'app_action')
  }
  await rm(folder, { recursive: true })
  expect(await millraceJson('status', '--wait', '180')).toMatchObject({ settled: true })
}, 5 * MINUTES)

interface Answer {
  readonly prefix: string
  readonly rows: number
}

async function shown(query: Record<string, string>): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = []
  let cursor: string | null = null
  do {
    const parameters = new URLSearchParams({ ...query, limit: '1000', ...(cursor && { cursor }) })
    const page = (await get(target, `/v1/reports/enriched-actions?${parameters}`)) as { data: typeof all; cursor: string | null }
    all.push(...page.data)
    cursor = page.cursor
  } while (cursor)
  return all
}

test(
  'the report as of an instant holds what plain code says, to the microsecond and in order, and the API shows it page by page',
  async () => {
    const { prefix, rows: count } = await millraceJson<Answer>('report', 'enriched-actions', '--at', formatInstant(at))
    const page = await shown({ at: formatInstant(at) })
    expect(mine(page)).toEqual(expected(at))
    expect(page).toHaveLength(count)
    const objects = await listObjects(s3Of(target), target.outputs.ArchiveBucket, prefix)
    expect(objects.map(({ key }) => key)).toEqual([`${prefix}00000.parquet`])
    expect(await rowsBelow(target, prefix)).toHaveLength(count)
  },
  2 * MINUTES,
)

test(
  'the same instant gives the same rows in the same order under another prefix, and another instant its own',
  async () => {
    const run = (instant: bigint) => millraceJson<Answer>('report', 'enriched-actions', '--at', formatInstant(instant))
    const [first, second] = [await run(at), await run(at)]
    expect(second.prefix).not.toBe(first.prefix)
    expect(await rowsBelow(target, second.prefix)).toEqual(await rowsBelow(target, first.prefix))
    const earlier = at - 4n * HOUR_US
    await run(earlier)
    expect(mine(await shown({ at: formatInstant(earlier) }))).toEqual(expected(earlier))
    expect(mine(await shown({ at: formatInstant(at) }))).toEqual(expected(at))
  },
  3 * MINUTES,
)

test(
  'without an instant it is made of all there is now, and shown as the newest; --show prints rows, their count and the columns',
  async () => {
    const { code, stdout } = await millrace(['report', 'enriched-actions', '--show'])
    expect(code).toBe(0)
    const newest = await shown({})
    expect(mine(newest)).toHaveLength(mine(expected(at + 10n * HOUR_US)).length)
    const [, header, ...lines] = stdout.split('\n')
    expect(header).toBe('')
    expect(lines[0]?.trim().split(/ +/)).toEqual(Object.keys(newest[0] ?? {}))
    expect(lines.indexOf(`${newest.length} rows`)).toBe(51)
    expect(stdout).toMatch(/\nevent_time +TIMESTAMP\n/)
  },
  2 * MINUTES,
)

test(
  'a scheduled instant that fires twice, also at once, is one run as of its full hour',
  async () => {
    const [hour, fired] = ['2026-02-01T15:00:00Z', '2026-02-01T15:10:00Z'] as const
    const run = () => runReport(target, { report: 'enriched-actions', at: fired, once: true })
    const runs = await Promise.allSettled([run(), run()])
    const refused = runs.filter(one => one.status === 'rejected').map(({ reason }) => String(reason))
    expect(refused.filter(reason => !reason.includes('another run'))).toEqual([])
    const answers = runs.filter(one => one.status === 'fulfilled').map(({ value }) => value)
    const later = await run()
    for (const answer of answers) expect(answer).toEqual(later)
    expect(await shown({ at: hour })).toHaveLength(later.rows)
  },
  2 * MINUTES,
)

test('a day is no instant', async () => {
  const { code, stderr } = await millrace(['report', 'enriched-actions', '--date', '2026-01-31'])
  expect([code, stderr.trim()]).toEqual([
    1,
    expect.stringContaining('enriched-actions is published as of an instant; use at, not date or all.'),
  ])
})
