import { existsSync } from 'node:fs'
import path from 'node:path'
import { type Report, sqlFile } from '../shared/report.ts'
import type { Settings } from './settings-types.ts'

/** What the engine of a stage lacks: one line for each report, or one for the stage. `folder` has the SQL of the reports. */
export function engineProblems(
  stage: string,
  { reports: { engine } }: Pick<Settings, 'reports'>,
  reports: readonly Report[],
  folder: string,
): string[] {
  if (engine === 'duckdb') return []
  if (stage === 'local')
    return ["The local cloud has no Athena: set reports.engine of the stage local to 'duckdb' in infra/settings.ts."]
  const missing = reports.map(report => sqlFile(report, engine)).filter(file => !existsSync(path.join(folder, file)))
  return missing.map(
    file =>
      `The stage ${stage} has reports.engine '${engine}', and there is no shared/reports/${file}: write it, or set 'duckdb' in infra/settings.ts.`,
  )
}
