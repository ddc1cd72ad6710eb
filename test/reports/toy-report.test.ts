import path from 'node:path'
import { Template } from 'aws-cdk-lib/assertions'
import { reportChoices } from '../../console/report-choices.ts'
import { openWorkspace } from '../../lambdas/archive/duckdb.ts'
import { readReport } from '../../lambdas/query/reports.ts'
import { duckdbEngine } from '../../lambdas/reports/duckdb-engine.ts'
import type { PublicationItem } from '../../lambdas/reports/dynamodb.ts'
import { readRequest } from '../../lambdas/reports/plan-run.ts'
import { publish } from '../../lambdas/reports/publish.ts'
import { readReportSql } from '../../lambdas/reports/report-sql.ts'
import { runDaily } from '../../lambdas/reports/run-daily.ts'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import type { Event } from '../../shared/event.ts'
import { openApi } from '../../shared/openapi.ts'
import { runId } from '../../shared/report.ts'
import { routes } from '../../shared/routes.ts'
import { LATEST, parseInstant } from '../../shared/time.ts'
import { resources, stackOf } from '../fixtures/infra-templates.ts'
import { archiveEvents, folderArchive } from '../fixtures/reports/folder-archive.ts'
import { visitsByPage } from '../fixtures/reports/toy/visits-by-page.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('toy-report')
const withToy = [...reports, visitsByPage]
const run = runId(1_764_300_000_000, '0123abcd')

const RECEIVED = Date.parse('2026-01-31T13:00:00Z')

const visit = (id: string, time: string | bigint, Url: string): Event => {
  const instant = typeof time === 'bigint' ? time : parseInstant(time)
  if (instant === undefined) throw new Error(`${time} is no time.`)
  return {
    id,
    source: 'test',
    type: 'page_visit',
    subject: '1',
    time: instant,
    received: RECEIVED,
    data: { Id: 1, Url, Timestamp: 0 },
  }
}

/** The publications of a report, as the table of the reports stores them. */
function publications() {
  const stored = new Map<string, PublicationItem>()
  return {
    publish: async (_report: string, item: PublicationItem) => Boolean(stored.set(item.period, item)),
    published: async () => [...stored.values()],
    publicationOf: async (_report: string, period: string) => stored.get(period),
    newest: async () =>
      [...stored.values()].filter(({ ofFuture }) => !ofFuture).toSorted((a, b) => (a.period < b.period ? 1 : -1))[0],
  }
}

test('a definition and an SQL file are enough: the report is computed, published and read back', async () => {
  const [day, table, archive] = ['2026-01-31', publications(), folderArchive(folder)]
  await archiveEvents(folder, 'events/dt=2026-01-31/hour=12/a.parquet', [
    visit('a', '2026-01-30T23:59:59.999999Z', '/b'),
    visit('b', '2026-01-31T00:00:00Z', '/b'),
    visit('c', '2026-01-31T23:59:59.999999Z', '/a'),
    { id: 'r', source: 'test', type: 'other', subject: null, time: 0n, received: 1, data: { Id: 1 } },
  ])
  await archiveEvents(folder, 'events/dt=2026-01-31/hour=13/b.parquet', [
    visit('c', '2026-01-31T23:59:59.999999Z', '/a'),
    visit('d', '2026-01-31T12:00:00Z', '/a'),
    visit('before 1970', '1969-12-31T23:59:59.999999Z', '/c'),
    visit('last', LATEST, '/c'),
  ])
  const request = readRequest({ report: visitsByPage.name, all: true }, withToy, 0)
  if (!('period' in request)) throw new Error('The report is daily.')
  const engine = duckdbEngine(readReportSql('test/fixtures/reports/toy', visitsByPage))
  const workspace = await openWorkspace(path.join(folder, 'scratch'), 512)
  const { publications: computed } = await runDaily(
    { ...request, engine, since: 0, near: 'all', run },
    { archive, ledger: archive.ledger, workspace },
  )
  await workspace.close()
  await publish(visitsByPage, computed, table)

  expect(computed.map(({ period, rows }) => [period, rows['page']])).toEqual([
    ['1969-12-31', 1],
    ['2026-01-30', 1],
    [day, 2],
    ['9999-12-31', 1],
  ])
  const read = (parameters: object) =>
    readReport(visitsByPage.name, { ...parameters }, { table, bucket: archive }, withToy, RECEIVED)
  const rows = [
    { date: day, page: '/a', visits: 2 },
    { date: day, page: '/b', visits: 1 },
  ]
  expect(await read({ date: day })).toEqual({ data: rows, cursor: null })
  expect(await read({ date: day, limit: '1' })).toEqual({ data: rows.slice(0, 1), cursor: expect.any(String) })
  expect(await read({})).toEqual({ data: rows, cursor: null })
  expect(await read({ date: '9999-12-31' })).toEqual({ data: [{ date: '9999-12-31', page: '/c', visits: 1 }], cursor: null })
})

test('its schedule, its route and its entry in the console derive from the catalogue', () => {
  const template = Template.fromStack(stackOf('dev', { reports: withToy }))
  const schedules = resources(template, 'AWS::Scheduler::Schedule').map(({ id }) => id)
  expect(schedules).toContain('ReportsDailyVisitsByPage')
  expect(Object.keys(openApi(routes, { eventTypes, projections, reports: withToy }).paths)).toContain(
    '/v1/reports/visits-by-page',
  )
  expect(reportChoices(withToy).at(-1)).toEqual({ label: 'visits-by-page by page', report: 'visits-by-page', by: 'page' })
})
