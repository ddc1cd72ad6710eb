import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ColumnRange, type Footer, mayHoldBefore, mayHoldDay, mayHoldEarlier } from '../../lambdas/archive/footer.ts'
import { eventObjects } from '../../lambdas/archive/list-events.ts'
import { scratchFolder } from '../../lambdas/archive/scratch.ts'
import { dateOf, readRequest } from '../../lambdas/reports/plan-run.ts'
import { outdatedPublications, planSweep } from '../../lambdas/reports/plan-sweep.ts'
import { reports } from '../../shared/catalogue.ts'
import { newestSnapshot, partKey, publishedKey, runId } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { LATEST, parseDay } from '../../shared/time.ts'

const now = Date.UTC(2026, 0, 31, 12, 0, 30)
const HOUR = 3_600_000

describe('reading the input of an invocation', () => {
  const request = (input: object) => readRequest({ report: 'duration-p95', ...input }, reports, now)
  const enriched = (input: object) => readRequest({ report: 'enriched-actions', ...input }, reports, now)

  test('one day, every day, or for the scheduler the days with arrivals', () => {
    expect(request({ date: '1970-01-02' })).toMatchObject({ period: { day: 1 }, name: 'date#1970-01-02', once: false })
    expect(request({ all: true })).toMatchObject({ period: 'every day', name: 'all', once: false })
    expect(request({ at: '2026-01-31T01:10:00Z', once: true })).toMatchObject({
      period: 'days with arrivals',
      name: 'at#2026-01-31T01:10:00Z',
      once: true,
    })
  })

  test('an instant to the microsecond; the default is now', () => {
    const at = '0001-01-01T00:00:00.000001Z'
    expect(enriched({ at })).toMatchObject({ at: -62_135_596_799_999_999n, name: `at#${at}`, once: false })
    expect(enriched({})).toMatchObject({ at: BigInt(now) * 1000n, name: 'at#2026-01-31T12:00:30Z', once: false })
  })

  test('a scheduled run reports as of the full hour before it', () => {
    const hour = { name: 'at#2026-01-31T12:00:00Z', at: BigInt(Date.UTC(2026, 0, 31, 12)) * 1000n, once: true }
    expect(enriched({ at: '2026-01-31T12:10:00Z', once: true })).toMatchObject(hour)
    expect(enriched({ at: '<aws.scheduler.scheduled-time>', once: true })).toMatchObject(hour)
  })

  test('the same instant in another time zone gives the same run name', () => {
    for (const read of [request, enriched]) expect(read({ at: '2026-01-31T02:10:00+01:00' }).name).toBe('at#2026-01-31T01:10:00Z')
  })

  test('a placeholder of the scheduler counts as the minute of the invocation', () => {
    expect(request({ at: '<aws.scheduler.scheduled-time>' }).name).toBe('at#2026-01-31T12:00:00Z')
  })

  test.each([{ date: '2026-01-31' }, { all: true }, { at: 'noon' }])('%j is rejected for a snapshot report', input => {
    expect(() => enriched(input)).toThrow(
      /^(enriched-actions is published as of an instant; use at, not date or all|at must be RFC 3339.*)\.$/,
    )
  })

  test.each([{ date: '2026-02-29' }, { date: '0000-01-01' }, { date: 7 }, { at: 'noon' }, { report: 'nothing' }])(
    '%j is rejected',
    input => {
      expect(() => request(input)).toThrow(/\.$/)
    },
  )

  test.each(['0001-01-01', '1969-12-31', '1970-01-01', '2024-02-29', '9999-12-31'])(
    '%s is parsed as a day and formatted back',
    date => {
      expect(dateOf(parseDay(date) ?? Number.NaN)).toBe(date)
    },
  )
})

describe('selecting objects by their footers', () => {
  const footer = (ranges: Footer['ranges'] = {}): Footer => ({
    columns: new Set(),
    schema: '',
    ranges: {
      timestamp: { least: 86_400, greatest: 172_799.999999 },
      received_time_us: { least: 1000, greatest: 2000 },
      event_time_us: { least: 500, greatest: 600 },
      ...ranges,
    },
  })

  test('a range selects the days that it overlaps, both ends included', () => {
    const may = (days: number[], timestamp?: ColumnRange) => mayHoldDay(footer(timestamp && { timestamp }), 'timestamp', days)
    expect([[0], [1], [2], [0, 2], [0, 1, 2]].map(days => may(days))).toEqual([false, true, false, false, true])
    expect(may([-1], { least: -0.5, greatest: -0.5 })).toBe(true)
    expect(may([7], 'unknown')).toBe(true)
    expect(may([1], 'none')).toBe(false)
  })

  test('a range of event times is in microseconds, and its bounds may be rounded', () => {
    const DAY = 86_400_000_000
    const may = (days: number[], least: number, greatest = least) =>
      mayHoldDay(footer({ event_time_us: { least, greatest } }), 'event_time_us', days)
    expect([[0], [1], [2]].map(days => may(days, DAY + 1000, 2 * DAY - 1000))).toEqual([false, true, false])
    expect(may([-1], -1000)).toBe(true)
    const latest = Number(LATEST)
    expect(may([2_932_896], latest)).toBe(true)
  })

  test('earlier arrivals are read from every object that may hold one', () => {
    const may = (last: bigint, ranges?: Footer['ranges']) => mayHoldEarlier(footer(ranges), 'timestamp', last)
    expect([999n, 1000n, 5000n].map(last => may(last))).toEqual([false, true, true])
    expect(may(0n, { received_time_us: 'unknown' })).toBe(true)
    expect(may(5000n, { timestamp: 'none' })).toBe(false)
  })

  test('events before an instant are read from every object that may hold one', () => {
    const may = (at: bigint, ranges?: Footer['ranges']) => mayHoldBefore(footer(ranges), 'timestamp', at)
    expect([499n, 501n].map(at => may(at))).toEqual([false, true])
    expect(may(501n, { timestamp: 'none' })).toBe(false)
    const year9999 = { event_time_us: { least: Number(253_402_300_799_999_998n), greatest: Number(LATEST) } }
    expect(may(LATEST, year9999)).toBe(true)
  })

  test('event objects are non-empty Parquet files in a partition, in the order of arrival', () => {
    const object = (key: string, size = 1) => ({ key, size, modified: 0 })
    const [b, a] = ['events/dt=2026-01-31/hour=12/b.parquet', 'events/dt=2026-01-31/hour=11/a.parquet'] as [string, string]
    const others = [object('events/note.parquet'), object('events/dt=2026-01-31/hour=12/b.json'), object('errors/a.parquet')]
    expect(eventObjects([object(b), object(a), object(`${a}.parquet`, 0), ...others]).map(({ key }) => key)).toEqual([a, b])
  })
})

describe('objects that no publication refers to', () => {
  const [old, current] = [runId(now - 48 * HOUR, '00000000'), runId(now - 30 * HOUR, '11111111')]
  const key = (run: string, date: string, format: 'parquet' | 'csv' = 'parquet') =>
    publishedKey('duration-p95', run, 'type', format, date)
  const objects = [
    { key: key(old, '2026-01-01'), modified: now - 48 * HOUR },
    { key: key(old, '2026-01-01', 'csv'), modified: now - 48 * HOUR },
    { key: key(old, '2026-01-02'), modified: now - 48 * HOUR },
    { key: key(current, '2026-01-01'), modified: now - 30 * HOUR },
    { key: key(runId(now - HOUR, '22222222'), '2026-01-01'), modified: now - HOUR },
    { key: 'reports/duration-p95/of-somebody-else', modified: 0 },
  ]
  const published = [
    { period: '2026-01-01', run: current },
    { period: '2026-01-02', run: old },
  ]
  const plan = (unpublished: Readonly<Record<string, number>>) =>
    planSweep(durationP95, { objects, published, unpublished: new Map(Object.entries(unpublished)) }, now)

  test('are noted when they are a day old, and deleted when the note is a day old', () => {
    const id = `${old}/2026-01-01`
    expect(plan({})).toEqual({ note: [id], remove: [], forget: [] })
    expect(plan({ [id]: now - 24 * HOUR })).toEqual({ note: [], remove: [], forget: [] })
    const remove = [key(old, '2026-01-01'), key(old, '2026-01-01', 'csv')]
    expect(plan({ [id]: now - 24 * HOUR - 1 })).toEqual({ note: [], remove, forget: [] })
  })

  test('a note about objects that are gone is forgotten', () => {
    const [gone, there] = [`${old}/2025-12-31`, `${old}/2026-01-01`]
    expect(plan({ [gone]: now, [there]: now })).toEqual({ note: [], remove: [], forget: [gone] })
  })

  test('of instants belong to their run as a whole', () => {
    const [kept, withdrawn] = [runId(now - 72 * HOUR, '00000000'), runId(now - 96 * HOUR, '00000000')]
    const keys = (run: string) =>
      [0, 1].flatMap(part => (['parquet', 'csv'] as const).map(format => partKey('enriched-actions', run, format, part)))
    const parts = [...keys(kept), ...keys(withdrawn)].map(each => ({ key: each, modified: now - 48 * HOUR }))
    const facts = { objects: parts, published: [{ period: '2026-01-28T00:00:00Z', run: kept }] }
    expect(planSweep(enrichedActions, { ...facts, unpublished: new Map([[withdrawn, now - 25 * HOUR]]) }, now)).toEqual({
      note: [],
      remove: keys(withdrawn),
      forget: [],
    })
  })
})

describe('publications of a snapshot report', () => {
  const daysAgo = (days: number, digits = '00000000') => runId(now - days * 24 * HOUR, digits)
  const instant = (period: string, run: string) => ({ period, run })
  const outdated = (...published: { period: string; run: string }[]) =>
    outdatedPublications(published, now, { runs: 2, days: 3 }).map(({ period }) => period)

  test('are withdrawn, except the last runs and the newest of each of the last days', () => {
    const scheduled = [0, 1, 2, 3, 4].map(days => instant(`2026-01-${31 - days}T12:00:00Z`, daysAgo(days)))
    expect(outdated(...scheduled)).toEqual(['2026-01-28T12:00:00Z', '2026-01-27T12:00:00Z'])
    const earlierThatDay = instant('2026-01-29T09:00:00Z', daysAgo(2.125))
    expect(outdated(...scheduled, earlierThatDay)).toContain(earlierThatDay.period)
    const newerOfThePast = instant('2020-01-01T00:00:00Z', daysAgo(2, 'ffffffff'))
    expect(outdated(...scheduled, newerOfThePast)).toEqual([
      '2026-01-28T12:00:00Z',
      '2026-01-27T12:00:00Z',
      newerOfThePast.period,
    ])
  })

  test('the newest one is kept however old it is, and however many runs for earlier instants follow it', () => {
    const newest = instant('2026-01-10T12:00:00Z', daysAgo(21))
    const past = [20, 19, 18, 17].map(days => instant(`2020-01-${days}T00:00:00Z`, daysAgo(days)))
    expect(outdated(newest, ...past)).toEqual(['2020-01-20T00:00:00Z', '2020-01-19T00:00:00Z'])
  })

  test('are ordered by instant; one with an instant in the future counts as of its run', () => {
    const [past, present, future] = [
      instant('2020-01-01T00:00:00.5Z', daysAgo(0, 'ffffffff')),
      instant('2026-01-31T12:00:00Z', daysAgo(0)),
      instant('9999-12-31T23:59:59.999999Z', daysAgo(1)),
    ]
    expect(newestSnapshot([past, present, future])).toBe(present)
    expect(newestSnapshot([past, future])).toBe(future)
    expect(newestSnapshot([])).toBeUndefined()
  })
})

test('a run deletes the folders of dead runs and keeps those of live runs', async () => {
  const parent = await mkdtemp(path.join(tmpdir(), 'millrace-scratch-'))
  const [dead, live, mine] = [runId(now - HOUR, '00000000'), runId(now - 60_000, '11111111'), runId(now, '22222222')]
  for (const name of [dead, live, 'others']) await mkdir(path.join(parent, name))
  expect(await scratchFolder(parent, mine, now)).toBe(path.join(parent, mine))
  expect((await readdir(parent)).sort()).toEqual([live, mine, 'others'].sort())
  await rm(parent, { recursive: true })
})
