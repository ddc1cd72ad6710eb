import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventObjects, type Footer, mayHoldDay, mayHoldEarlier } from '../lambdas/reports/plan-objects.ts'
import { dateOf, dayOf, readRequest } from '../lambdas/reports/plan-run.ts'
import { expired } from '../lambdas/reports/plan-sweep.ts'
import { scratchFolder } from '../lambdas/reports/scratch.ts'
import { reports } from '../shared/catalogue.ts'
import { publishedKey, runId } from '../shared/report.ts'
import { durationP95 } from '../shared/reports/duration-p95.ts'

const now = Date.UTC(2026, 0, 31, 12, 0, 30)
const HOUR = 3_600_000

describe('what an invocation asks for', () => {
  const request = (input: object) => readRequest({ report: 'duration-p95', ...input }, reports, now)

  test('one day, every day, or by the schedule the days with arrivals', () => {
    expect(request({ date: '1970-01-02' })).toMatchObject({ period: { day: 1 }, name: 'date#1970-01-02', once: false })
    expect(request({ all: true })).toMatchObject({ period: 'every day', name: 'all', once: false })
    expect(request({ at: '2026-01-31T01:10:00Z' })).toMatchObject({
      period: 'days with arrivals',
      name: 'at#2026-01-31T01:10:00Z',
      once: true,
    })
  })

  test('the same instant in another time zone is the same run', () => {
    expect(request({ at: '2026-01-31T02:10:00+01:00' }).name).toBe('at#2026-01-31T01:10:00Z')
  })

  test('where the scheduler passes its placeholder, the minute of the call is the instant', () => {
    expect(request({ at: '<aws.scheduler.scheduled-time>' }).name).toBe('at#2026-01-31T12:00:00Z')
  })

  test.each([{ date: '2026-02-29' }, { date: '0000-01-01' }, { date: 7 }, { at: 'noon' }, { report: 'nothing' }])(
    '%j is refused',
    input => {
      expect(() => request(input)).toThrow(/\.$/)
    },
  )

  test.each(['0001-01-01', '1969-12-31', '1970-01-01', '2024-02-29', '9999-12-31'])('%s is a day and back', date => {
    expect(dateOf(dayOf(date) ?? Number.NaN)).toBe(date)
  })
})

describe('which objects are read', () => {
  const footer = (over: Partial<Footer>): Footer => ({
    columns: new Set(),
    timestamps: { least: 86_400, greatest: 172_799.999999 },
    received: { least: 1000, greatest: 2000 },
    ...over,
  })

  test('those whose readings may touch one of the days, ends included', () => {
    expect([[0], [1], [2], [0, 2], [0, 1, 2]].map(days => mayHoldDay(footer({}), days))).toEqual([
      false,
      true,
      false,
      false,
      true,
    ])
    expect(mayHoldDay(footer({ timestamps: { least: -0.5, greatest: -0.5 } }), [-1])).toBe(true)
    expect(mayHoldDay(footer({ timestamps: 'unknown' }), [7])).toBe(true)
    expect(mayHoldDay(footer({ timestamps: 'none' }), [1])).toBe(false)
  })

  test('earlier arrivals are sought in all that may have come as early', () => {
    expect([999n, 1000n, 5000n].map(last => mayHoldEarlier(footer({}), last))).toEqual([false, true, true])
    expect(mayHoldEarlier(footer({ received: 'unknown' }), 0n)).toBe(true)
    expect(mayHoldEarlier(footer({ timestamps: 'none' }), 5000n)).toBe(false)
  })

  test('only Parquet below a partition, with bytes in it, in the order of arrival', () => {
    const object = (key: string, size = 1) => ({ key, size, modified: 0 })
    const [b, a] = ['events/dt=2026-01-31/hour=12/b.parquet', 'events/dt=2026-01-31/hour=11/a.parquet'] as [string, string]
    const others = [object('events/note.parquet'), object('events/dt=2026-01-31/hour=12/b.json'), object('errors/a.parquet')]
    expect(eventObjects([object(b), object(a), object(`${a}.parquet`, 0), ...others]).map(({ key }) => key)).toEqual([a, b])
  })
})

test('only objects that no day shows, a day after they were written, are deleted', () => {
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
    { date: '2026-01-01', run: current },
    { date: '2026-01-02', run: old },
  ]
  expect(expired(durationP95, objects, published, now)).toEqual([key(old, '2026-01-01'), key(old, '2026-01-01', 'csv')])
})

test('a run finds the disk without what dead runs left, and leaves living ones alone', async () => {
  const parent = await mkdtemp(path.join(tmpdir(), 'millrace-scratch-'))
  const [dead, living, mine] = [runId(now - HOUR, '00000000'), runId(now - 60_000, '11111111'), runId(now, '22222222')]
  for (const name of [dead, living, 'others']) await mkdir(path.join(parent, name))
  expect(await scratchFolder(parent, mine, now)).toBe(path.join(parent, mine))
  expect((await readdir(parent)).sort()).toEqual([living, mine, 'others'].sort())
  await rm(parent, { recursive: true })
})
