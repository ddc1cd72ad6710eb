// node test/bench/reports.ts [--only PART OF A NAME] [--rows 1000000,10000000] [--runs 3] [--folder DIR] [--spark PYTHON]
//
// The reports of the product beside the same work as plain DuckDB statements, and by Spark if a Python with pyspark is given; many small
// objects; the compaction of a day. Each run is a process of its own. CPU seconds count all threads. DIR keeps the generated archives.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { formatTable } from '../../cli/table.ts'
import { type ArchivePlan, generate } from './reports/generate.ts'

interface Measured {
  readonly rows: number
  readonly seconds: number
  readonly cpuSeconds?: number
  readonly peakMegabytes?: number
}

interface Case {
  readonly name: string
  readonly plan: ArchivePlan
  /** The command of each engine, without the folder. The first one is the product. */
  readonly engines: Readonly<Record<string, readonly string[]>>
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rows: { type: 'string', default: '1000000,10000000' },
    runs: { type: 'string', default: '3' },
    folder: { type: 'string' },
    spark: { type: 'string' },
  },
})

const folder = path.join(import.meta.dirname, 'reports')
const ours = (...work: string[]): string[] => [process.execPath, path.join(folder, 'measure.ts'), ...work]

const enginesOf = (report: string): Case['engines'] => ({
  product: ours('product', report),
  'plain DuckDB': ours('plain', report),
  ...(values.spark && { Spark: [values.spark, path.join(folder, 'spark.py'), report] }),
})

const reportCases: readonly Case[] = values.rows.split(',').flatMap(text =>
  (['reading', 'app_action'] as const).map(type => {
    const report = type === 'reading' ? 'duration-p95' : 'enriched-actions'
    const plan = { type, rows: Number(text), objects: 20, days: 10 }
    return { name: `${report}, ${plan.rows / 1e6}M rows`, plan, engines: enginesOf(report) }
  }),
)

const cases: readonly Case[] = [
  ...reportCases,
  {
    name: 'duration-p95, 10,000 objects of 600 rows',
    plan: { type: 'reading', rows: 6_000_000, objects: 10_000, days: 10 },
    engines: { product: ours('product', 'duration-p95'), 'plain DuckDB': ours('plain', 'duration-p95') },
  },
  {
    name: 'compaction of a day: 1,440 objects, 5M rows',
    plan: { type: 'reading', rows: 5_000_000, objects: 1440, days: 1 },
    engines: { product: ours('compaction', 'compaction') },
  },
]

async function runOnce([file = '', ...args]: readonly string[], archive: string): Promise<Measured> {
  const { stdout } = await promisify(execFile)(file, [...args, archive], { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Measured
}

const median = (runs: readonly Measured[], of: (run: Measured) => number | undefined): number =>
  runs.map(run => of(run) ?? Number.NaN).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)] ?? Number.NaN

const figure = (value: number, digits = 1): string => (Number.isNaN(value) ? '' : value.toFixed(digits))

/** All engines by turns, so that a busy machine slows them all down. */
async function measure({ name, plan, engines }: Case, archives: string): Promise<Record<string, string>[]> {
  const archive = await generate(archives, plan)
  const runs = new Map<string, Measured[]>(Object.keys(engines).map(engine => [engine, []]))
  for (let run = 0; run < Number(values.runs); run++)
    for (const [engine, command] of Object.entries(engines)) runs.get(engine)?.push(await runOnce(command, archive))
  const rows = new Set([...runs.values()].flat().map(each => each.rows))
  if (rows.size > 1) throw new Error(`${name}: the engines disagree on the number of rows: ${[...rows].join(', ')}.`)
  const plain = runs.get('plain DuckDB') ?? []
  return [...runs].map(([engine, each]) => ({
    case: name,
    engine,
    'result rows': String([...rows][0]),
    'CPU s': figure(median(each, run => run.cpuSeconds)),
    s: figure(median(each, run => run.seconds)),
    'ms an object': figure((median(each, run => run.seconds) * 1000) / plan.objects, 2),
    'peak MB': figure(
      median(each, run => run.peakMegabytes),
      0,
    ),
    'CPU to plain': figure(median(each, run => run.cpuSeconds) / median(plain, run => run.cpuSeconds), 2),
    'time to plain': figure(median(each, run => run.seconds) / median(plain, run => run.seconds), 2),
  }))
}

const archives = values.folder ?? mkdtempSync(path.join(tmpdir(), 'millrace-bench-archives-'))
try {
  for (const each of cases.filter(({ name }) => name.includes(values.only))) {
    const rows = await measure(each, archives)
    console.log(formatTable(rows, Object.keys(rows[0] ?? {})))
  }
} finally {
  if (!values.folder) rmSync(archives, { recursive: true })
}
