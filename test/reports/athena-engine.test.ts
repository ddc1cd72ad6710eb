import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { openWorkspace } from '../../lambdas/archive/duckdb.ts'
import type { Athena } from '../../lambdas/reports/athena.ts'
import { athenaEngine } from '../../lambdas/reports/athena-engine.ts'
import type { Period } from '../../lambdas/reports/plan-run.ts'
import { readReportSql } from '../../lambdas/reports/report-sql.ts'
import { reportsFolder } from '../../shared/catalogue.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { parseInstant } from '../../shared/time.ts'
import { archiveRows, folderArchive } from '../fixtures/reports/folder-archive.ts'
import { run } from '../fixtures/reports/report-rows.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

// What the engine does around the queries. That they give the rows of DuckDB is shown by test/long/athena.long.ts.
const folder = temporaryFolder('athena-engine')
const archive = folderArchive(folder)
const AT = parseInstant('2026-01-31T12:00:00Z') ?? 0n
const prefix = `athena/enriched-actions/${run}/rows/`

beforeAll(() => archiveRows(folder, 'events/dt=2026-01-30/hour=12/a.parquet', [{ timestamp: 1_769_774_400, event_duration: 1 }]))

/** Runs a snapshot over an Athena that stores some objects, and names some. Returns the published rows. */
async function snapshot({
  stores,
  names = stores,
  fails,
}: {
  stores: readonly string[]
  names?: readonly string[]
  fails?: Error
}) {
  const workspace = await openWorkspace(path.join(folder, 'scratch'), 512)
  try {
    const rows = `SELECT 1::BIGINT AS event_time, 7::BIGINT AS user_id, 'a' AS app_name, NULL::VARCHAR AS event_action, 'c' AS event_category,
NULL::BIGINT AS event_value, 0::BIGINT AS u_count, NULL::VARCHAR AS u_mp_ea, 'id' AS event_id, 's' AS source, '7' AS subject`
    const athena: Athena = {
      rows: async () => [],
      async unload() {
        await workspace.write(rows, 'stored', 'parquet')
        for (const name of stores) await archive.upload(workspace.file('stored'), `${prefix}${name}`, '')
        if (fails) throw fails
        return names.map(name => `${prefix}${name}`)
      },
    }
    const engine = athenaEngine(readReportSql(reportsFolder, enrichedActions, 'athena'), athena, 'millrace_dev')
    const computed = await engine.computeBefore(enrichedActions, AT, { archive, ledger: archive.ledger, workspace }, run)
    return await workspace.run(`SELECT count(*) AS rows FROM (${computed.resultOf('rows')})`)
  } finally {
    await workspace.close()
  }
}

const left = async () => (await archive.list('athena/')).map(({ key }) => key)

test('the objects that Athena names are loaded, and then deleted; an object that it does not name is only deleted', async () => {
  expect(await snapshot({ stores: ['a', 'b'] })).toEqual([{ rows: 2n }])
  expect(await snapshot({ stores: ['a', 'b', 'left by a failed task'], names: ['a', 'b'] })).toEqual([{ rows: 2n }])
  expect(await left()).toEqual([])
})

test('no object is an empty result', async () => {
  expect(await snapshot({ stores: [] })).toEqual([{ rows: 0n }])
})

test('an object that is missing fails the run', async () => {
  await expect(snapshot({ stores: ['a'], names: ['a', 'b'] })).rejects.toThrow(
    'Athena has stored 1 of 2 objects. Run the report again.',
  )
  expect(await left()).toEqual([])
})

test('objects of which Athena names none fail the run', async () => {
  await expect(snapshot({ stores: ['a'], names: [] })).rejects.toThrow(
    'Athena has stored objects and named none of them. Run the report again.',
  )
  expect(await left()).toEqual([])
})

test('an object that is not Parquet fails the run', async () => {
  const workspace = await openWorkspace(path.join(folder, 'scratch'), 512)
  try {
    const athena: Athena = {
      rows: async () => [],
      async unload() {
        await writeFile(workspace.file('cut'), 'PAR1')
        await archive.upload(workspace.file('cut'), `${prefix}a`, '')
        return [`${prefix}a`]
      },
    }
    const engine = athenaEngine(readReportSql(reportsFolder, enrichedActions, 'athena'), athena, 'millrace_dev')
    const { resultOf } = await engine.computeBefore(enrichedActions, AT, { archive, ledger: archive.ledger, workspace }, run)
    await expect(workspace.run(resultOf('rows'))).rejects.toThrow()
  } finally {
    await workspace.close()
  }
})

test('what a failed query has stored is deleted', async () => {
  await expect(snapshot({ stores: ['a'], fails: new Error('Athena failed') })).rejects.toThrow('Athena failed')
  expect(await left()).toEqual([])
})

test('a daily run asks for the days first, and for no rows if nothing is new', async () => {
  const queries: string[] = []
  const athena: Athena = {
    rows: async query => {
      queries.push(query)
      return [
        ['20454', '3', 'true', 'false'],
        ['20455', '2', 'false', 'true'],
        ['20400', '0', 'false', 'true'],
      ]
    },
    unload: async query => {
      queries.push(query)
      return []
    },
  }
  const engine = athenaEngine(readReportSql(reportsFolder, durationP95, 'athena'), athena, 'millrace_dev')
  const storage = { archive, ledger: archive.ledger, workspace: {} as never }
  const wanted = { near: 'all', run } as const
  const computed = await engine.computeDays(durationP95, { ...wanted, period: 'days with arrivals', since: 0 }, storage)
  expect(computed).toMatchObject({ days: [20454], ofFuture: new Set([20455, 20400]), skipped: { days: 1, arrivals: 2 } })
  expect(queries).toHaveLength(3)
  expect(queries[0]).toContain('FROM "millrace_dev"."events"')
  expect(queries.slice(1).every(query => query.includes('VALUES 20454'))).toBe(true)
  const none = { ...wanted, period: 'days with arrivals', since: Date.now() + 1000 } as const
  expect(await engine.computeDays(durationP95, none, storage)).toMatchObject({ days: [], skipped: { days: 0 } })
  expect(queries).toHaveLength(3)
})

test('a daily run leaves out days of which arrivals have expired', async () => {
  const athena: Athena = {
    rows: async () => [
      ['20450', '3', 'true', 'false'],
      ['20451', '1', 'true', 'false'],
      ['20452', '2', 'true', 'false'],
    ],
    unload: async () => [],
  }
  const engine = athenaEngine(readReportSql(reportsFolder, durationP95, 'athena'), athena, 'millrace_dev')
  const ledger = { days: async () => [{ dt: '2025-12-28', version: 1, run, switched: 1, compacted: 1, expired: 2 }] }
  const compute = (period: Period) =>
    engine.computeDays(durationP95, { near: 'all', run, since: 0, period }, { archive, ledger, workspace: {} as never })
  for (const period of ['days with arrivals', 'every day'] as const)
    expect(await compute(period)).toMatchObject({ days: [20452], skipped: { days: 2, arrivals: 4 } })
  await expect(compute({ day: 20451 })).rejects.toThrow('Arrivals of 2025-12-29 have expired')
})
