import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Event } from '../../../shared/event.ts'
import { onCompactedCopy } from '../../fixtures/reports/compaction.ts'
import { runOverFolder } from '../../fixtures/sql.ts'
import { archiveExamples, exampleEvents } from '../../fixtures/sql-examples.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const folder = temporaryFolder('sql-examples')
beforeAll(() => archiveExamples(folder))

interface Example {
  readonly days: { readonly from?: string }
  readonly sql: string
  readonly output: string
}

/** The commands in a page, with what they print. */
const examplesIn = (page: string): Example[] =>
  [...readFileSync(page, 'utf8').matchAll(/^\$ npx millrace sql (?:--from (\S+) )?"(.*?)"\n(.*?)\n```$/gms)].map(
    ([, from, sql = '', output = '']) => ({ days: { ...(from && { from }) }, sql, output }),
  )

const pages = ['docs/sql.md', 'README.md']
const examples = pages.flatMap(page =>
  examplesIn(page).map((example, at) => ({ name: `${path.basename(page)} ${at + 1}`, ...example })),
)

test('the pages have the examples', () => {
  expect(pages.map(page => examplesIn(page).length)).toEqual([3, 1])
})

test.each(examples)('the example prints what the page shows, raw and compacted: $name', async ({ days, sql, output }) => {
  expect((await runOverFolder(folder, { sql, days }, 'table')).printed).toBe(`${output}\n`)
  await onCompactedCopy(folder, async copy => {
    expect((await runOverFolder(copy, { sql, days }, 'table')).printed).toBe(`${output}\n`)
  })
})

/** Each event once, of these days. */
const distinct = (first: string, last: string): Event[] => [
  ...new Map(
    exampleEvents
      .filter(({ day }) => day >= first && day <= last)
      .flatMap(({ events }) => events.map(event => [event.id, event])),
  ).values(),
]

/** A table as the page shows it: cells separated by white space. */
const shownRows = (at: number): string[][] =>
  examplesIn('docs/sql.md')
    [at]?.output.split('\n')
    .slice(1, -1)
    .map(line => line.trim().split(/\s+/)) ?? []

const counts = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> =>
  new Map([...Map.groupBy(items, keyOf)].map(([key, all]) => [key, all.length]))

test('the pages show what a plain loop over the events counts', () => {
  const orders = distinct('2026-01-05', '2026-01-07').filter(({ type }) => type === 'order')
  const byCountry = counts(orders, ({ received, data }) =>
    [new Date(received).toISOString().slice(0, 10), (data as { country: string }).country].join(),
  )
  expect(new Map(shownRows(0).map(([day, country, n]) => [`${day},${country}`, Number(n)]))).toEqual(byCountry)

  const visits = distinct('2026-01-05', '2026-01-06').filter(({ type }) => type === 'page_visit')
  const byUrl = [...Map.groupBy(visits, ({ data }) => (data as { Url: string }).Url)]
    .map(([url, all]) => [url, all.length, new Set(all.map(({ subject }) => subject)).size] as const)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  expect(shownRows(1)).toEqual(byUrl.slice(0, 10).map(row => row.map(String)))

  const actions = distinct('2026-01-05', '2026-01-07').filter(({ type }) => type === 'app_action')
  const did = (name: string) => actions.filter(({ data }) => (data as { event_action: string }).event_action === name)
  const isSoonAfter = (click: Event) => (view: Event) =>
    view.subject === click.subject && click.received > view.received && click.received <= view.received + 30 * 60_000
  const views = did('page_view')
  const byUser = counts(
    did('button_click').filter(click => views.some(isSoonAfter(click))),
    ({ subject }) => String(subject),
  )
  expect(new Map(shownRows(2).map(([user = '', clicks]) => [user, Number(clicks)]))).toEqual(byUser)
})
