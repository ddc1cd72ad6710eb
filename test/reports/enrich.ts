import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { openWorkspace } from '../../lambdas/reports/duckdb.ts'
import { databaseMegabytes } from '../../lambdas/reports/plan-run.ts'
import { runEnrichedActions } from '../../lambdas/reports/run-enriched-actions.ts'
import { runId } from '../../shared/report.ts'
import { parseInstant } from '../../shared/time.ts'
import { folderArchive } from './folder-archive.ts'

// Makes the report over a folder as a function of so many megabytes does, and prints what that took.
const [folder = '', megabytes, at = ''] = process.argv.slice(2)
const scratch = path.join(folder, 'scratch')

let disk = 0
async function measureDisk(): Promise<void> {
  const names = await readdir(scratch, { recursive: true })
  const sizes = await Promise.all(
    names.map(name =>
      stat(path.join(scratch, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  disk = Math.max(
    disk,
    sizes.reduce((total, size) => total + size, 0),
  )
}

const started = performance.now()
const workspace = await openWorkspace(scratch, databaseMegabytes(Number(megabytes)))
const watch = setInterval(() => void measureDisk(), 200)
const run = runId(1_764_300_000_000, '0123abcd')
const { rows } = await runEnrichedActions({ at: parseInstant(at) ?? 0n, run }, { archive: folderArchive(folder), workspace })
clearInterval(watch)
const seconds = (performance.now() - started) / 1000
await workspace.close()
console.log(JSON.stringify({ rows: Object.values(rows), seconds, memory: process.resourceUsage().maxRSS * 1024, disk }))
