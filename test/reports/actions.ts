import path from 'node:path'
import { readRows } from '../../lambdas/query/report-rows.ts'
import { openWorkspace } from '../../lambdas/reports/duckdb.ts'
import { runEnrichedActions } from '../../lambdas/reports/run-enriched-actions.ts'
import type { Event } from '../../shared/event.ts'
import { partKey, type ReportRow, runId } from '../../shared/report.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'
import { parseInstant } from '../../shared/time.ts'
import { folderArchive } from './folder-archive.ts'

/** An app_action in few words; what is left out is unremarkable. */
export interface Action {
  readonly event_id: string
  readonly source?: string
  /** Epoch milliseconds of arrival. */
  readonly received?: number
  /** RFC 3339. */
  readonly time: string
  readonly user_id?: number
  readonly app_name?: string
  readonly event_action?: string | null
  readonly event_category?: string
  readonly event_value?: number | null
}

export const unremarkable = {
  source: 'test',
  received: 1_764_000_000_000,
  user_id: 1,
  app_name: 'product_1',
  event_action: 'scroll',
  event_category: 'category_1',
  event_value: 5,
}

export function eventOf(action: Action): Event {
  const { event_id, source, received, time, ...data } = { ...unremarkable, ...action }
  const instant = parseInstant(time)
  if (instant === undefined) throw new Error(`${time} is no time.`)
  const fields = { ...data, event_time: null }
  return { id: event_id, source, type: 'app_action', subject: String(data.user_id), time: instant, received, data: fields }
}

export const run = runId(1_764_300_000_000, '0123abcd')

/** Runs the report over a folder: its rows with times as text, those of each part apart, and which objects it downloaded. */
export async function reportActions(folder: string, at: string, rowsPerPart = enrichedActions.rowsPerPart) {
  const archive = folderArchive(folder)
  const workspace = await openWorkspace(path.join(folder, 'scratch'), 512)
  try {
    const report = { ...enrichedActions, rowsPerPart }
    const instant = parseInstant(at)
    if (instant === undefined) throw new Error(`${at} is no instant.`)
    const publication = await runEnrichedActions({ at: instant, run }, { archive, workspace }, report)
    const parts: ReportRow[][] = []
    for (const part of Object.keys(publication.rows).map(Number)) {
      const open = async (at: number) => (at === 0 ? archive.open(partKey(report.name, run, 'parquet', part)) : undefined)
      parts.push((await readRows(open, { part: 0, row: 0 }, Number.POSITIVE_INFINITY)).rows)
    }
    return { publication, parts, rows: parts.flat(), downloads: archive.downloads }
  } finally {
    await workspace.close()
  }
}
