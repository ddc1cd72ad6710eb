// node test/bench/reports/measure.ts ENGINE REPORT FOLDER: does one piece of work in this process, and prints what it took as JSON.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { settingsFor } from '../../../infra/settings.ts'
import { databaseMegabytes } from '../../../lambdas/archive/duckdb.ts'
import { type ReportName, runPlain } from './plain.ts'
import { runCompaction, runProduct } from './product.ts'

const { functions } = settingsFor('prod')

const works = {
  product: (report: string, folder: string, scratch: string) =>
    runProduct(report as ReportName, folder, scratch, databaseMegabytes(functions.reports.memory)),
  plain: (report: string, folder: string, scratch: string) =>
    runPlain(report as ReportName, folder, scratch, databaseMegabytes(functions.reports.memory)),
  compaction: (_: string, folder: string, scratch: string) => runCompaction(folder, scratch, functions.compact.memory),
}

const [engine, report = '', folder = ''] = process.argv.slice(2)
const scratch = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
try {
  const [cpu, wall] = [process.cpuUsage(), performance.now()]
  const rows = await works[engine as keyof typeof works](report, folder, scratch)
  const { user, system } = process.cpuUsage(cpu)
  // maxRSS is in kilobytes.
  const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024)
  const measured = { rows, cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - wall) / 1000, peakMegabytes }
  console.log(JSON.stringify(measured))
} finally {
  rmSync(scratch, { recursive: true })
}
