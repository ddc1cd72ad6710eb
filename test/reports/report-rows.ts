import path from 'node:path'
import { type AsyncBuffer, parquetReadObjects } from 'hyparquet'
import { openWorkspace } from '../../lambdas/reports/duckdb.ts'
import type { Period } from '../../lambdas/reports/plan-run.ts'
import { runDurationP95 } from '../../lambdas/reports/run-duration-p95.ts'
import { publishedKey, runId } from '../../shared/report.ts'
import { folderArchive } from './folder-archive.ts'

export const run = runId(1_764_300_000_000, '0123abcd')

/** Runs the report over a folder: its published rows by table, dates as text, and which objects it downloaded. */
export async function reportRows(folder: string, period: Period, since = 0) {
  const archive = folderArchive(folder)
  const workspace = await openWorkspace(path.join(folder, 'scratch'), 512)
  try {
    const publications = await runDurationP95({ period, since, run }, { archive, workspace })
    const rowsOf = async (by: string) => {
      const keys = publications
        .filter(({ rows }) => rows[by])
        .map(({ period: of }) => publishedKey('duration-p95', run, by, 'parquet', of))
      const days = await Promise.all(keys.map(async key => readParquet((await archive.open(key)) as AsyncBuffer)))
      return days.flat()
    }
    return { type: await rowsOf('type'), device: await rowsOf('device'), publications, downloads: archive.downloads }
  } finally {
    await workspace.close()
  }
}

async function readParquet(file: AsyncBuffer): Promise<Record<string, unknown>[]> {
  const rows = await parquetReadObjects({ file })
  return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
}

const plain = (value: unknown): unknown =>
  value instanceof Date ? value.toISOString().slice(0, 10) : typeof value === 'bigint' ? Number(value) : value

/** The rows, with measures that may differ in the last digits; a sigma of zero, and then the mean, must be exact. */
export const nearly = (rows: readonly Record<string, unknown>[]) =>
  rows.map(row => {
    const { mean, stddev, event_duration_p95 } = row as Record<string, number>
    const close = (expected = Number.NaN, slack = stddev ?? 0) => ({
      asymmetricMatch: (actual: unknown) =>
        typeof actual === 'number' && Math.abs(actual - expected) <= 1e-12 * (slack === 0 ? 0 : Math.abs(expected) + slack),
      toString: () => 'nearly',
      toAsymmetricMatcher: () => `nearly ${expected}`,
    })
    return { ...row, mean: close(mean), stddev: close(stddev), event_duration_p95: close(event_duration_p95) }
  })
