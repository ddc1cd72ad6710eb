import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { LocalOutputs } from '../../shared/outputs.ts'
import { type ChangedCopy, changedCopy } from '../fixtures/changed-copy.ts'
import { freePort } from '../fixtures/emulated-cloud.ts'

// A report is added to a copy of the product by its files and lines of the catalogue, and runs on a local cloud of the copy.
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-new-report-'))
const synthesised = path.join(folder, 'synthesised')
const MINUTES = 60_000
const toy = (file: string): string => readFileSync(path.join('test/fixtures/reports/toy', file), 'utf8')

const env = {
  ...process.env,
  MILLRACE_API_PORT: String(await freePort()),
  MILLRACE_CLOUD_PORT: String(await freePort()),
  MILLRACE_OPENSEARCH_PORT: String(await freePort()),
  MILLRACE_OPENSEARCH_TRANSPORT_PORT: String(await freePort()),
  MILLRACE_FAULTS_PORT: String(await freePort()),
}

let copy: ChangedCopy
beforeAll(() => {
  copy = changedCopy(folder, env)
  const inCopy = (text: string) => text.replaceAll('../../../../shared/', '../')
  copy.write('shared/reports/visits-by-page.ts', inCopy(toy('visits-by-page.ts')))
  copy.write('shared/reports/visits-by-page.sql', toy('visits-by-page.sql'))
  copy.edit('shared/catalogue.ts', '[durationP95, enrichedActions]', '[durationP95, enrichedActions, visitsByPage]')
  copy.edit(
    'shared/catalogue.ts',
    "import { enrichedActions } from './reports/enriched-actions.ts'\n",
    "import { enrichedActions } from './reports/enriched-actions.ts'\nimport { visitsByPage } from './reports/visits-by-page.ts'\n",
  )
})
afterAll(async () => {
  await copy.millrace('down')
  rmSync(folder, { recursive: true, force: true })
}, MINUTES)

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await copy.millrace(...args)
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} exited with ${code}: ${stderr}`)
  return stdout
}

/** Synthesises a stage of the copy, without bundles. */
function synthesise(stage: string) {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: object }
  const CDK_CONTEXT_JSON = JSON.stringify({ ...context, stage, 'aws:cdk:bundling-stacks': [] })
  const options = { cwd: folder, encoding: 'utf8', env: { ...env, CDK_CONTEXT_JSON, CDK_OUTDIR: synthesised } } as const
  const { status, stderr } = spawnSync(process.execPath, ['infra/app.ts'], options)
  return { status, stderr }
}

const visit = (id: string, Url: string) => ({
  type: 'page_visit',
  id,
  time: '2026-01-31T12:00:00Z',
  data: { Id: 1, Url, Timestamp: 0 },
})

test(
  'the catalogue has it, DuckDB computes it, and the API and the CSV have its rows in their order',
  async () => {
    expect(await succeed('catalogue', '--check')).toContain('The definitions can work')
    await succeed('up', '--detach')
    const events = [visit('1', '/b'), visit('2', '/a'), visit('3', '/a'), visit('3', '/a'), visit('4', '/c')]
    copy.write('visits.jsonl', events.map(event => JSON.stringify(event)).join('\n'))
    await succeed('send', 'visits.jsonl')
    await succeed('status', '--wait', '60')
    const csv = path.join(folder, 'visits.csv')
    const run = await succeed('report', 'visits-by-page', '--date', '2026-01-31', '--csv', csv)
    expect(run).toMatch(/^3 rows in /)
    const rows = [
      { date: '2026-01-31', page: '/a', visits: 2 },
      { date: '2026-01-31', page: '/b', visits: 1 },
      { date: '2026-01-31', page: '/c', visits: 1 },
    ]
    const { apiUrl, readKey } = JSON.parse(readFileSync(path.join(folder, '.millrace/outputs.json'), 'utf8')) as LocalOutputs
    const get = async (route: string) => {
      const response = await fetch(`${apiUrl}/v1/${route}`, { headers: { authorization: `Bearer ${readKey}` } })
      return (await response.json()) as { data?: unknown; paths?: object }
    }
    expect((await get('reports/visits-by-page?date=2026-01-31')).data).toEqual(rows)
    expect(Object.keys((await get('openapi.json')).paths ?? {})).toContain('/v1/reports/visits-by-page')
    const lines = rows.map(({ date, page, visits }) => `${date},${page},${visits}`)
    expect(readFileSync(csv, 'utf8')).toBe(`\ufeff${['date,page,visits', ...lines].join('\n')}\n`)
    await succeed('down')
  },
  5 * MINUTES,
)

test(
  'a stage with Athena needs its SQL for Athena, and says so in one line',
  () => {
    copy.edit('infra/settings.ts', "engine: 'duckdb'", "engine: 'athena'")
    expect(synthesise('dev')).toMatchObject({
      status: 1,
      stderr:
        "The stage dev has reports.engine 'athena', and there is no shared/reports/visits-by-page.athena.sql: write it, or set 'duckdb' in infra/settings.ts.\n",
    })
    expect(synthesise('local')).toMatchObject({
      status: 1,
      stderr: "The local cloud has no Athena: set reports.engine of the stage local to 'duckdb' in infra/settings.ts.\n",
    })
    copy.write('shared/reports/visits-by-page.athena.sql', toy('visits-by-page.athena.sql'))
    expect(synthesise('dev')).toMatchObject({ status: 0 })
    const template = JSON.parse(readFileSync(path.join(synthesised, 'millrace-dev.template.json'), 'utf8'))
    expect(Object.keys(template.Resources)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^AthenaWorkgroup/), expect.stringMatching(/^ReportsDailyVisitsByPage/)]),
    )
  },
  3 * MINUTES,
)
