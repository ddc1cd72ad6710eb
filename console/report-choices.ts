import type { Report } from '../shared/report.ts'

/** A published table that the page of reports can show. */
export interface ReportChoice {
  readonly label: string
  readonly report: string
  /** The table of a daily report. Absent for a snapshot. */
  readonly by?: string
  /** The measure that is drawn by day, and the column with the name of each line. */
  readonly chart?: { readonly column: string; readonly unit: string; readonly group: string }
}

/** The choices for the reports of a catalogue. The build of the console writes them into the page. */
export const reportChoices = (reports: readonly Report[]): ReportChoice[] =>
  reports.flatMap((report): ReportChoice[] => {
    const { name } = report
    if (report.kind === 'snapshot') return [{ label: name, report: name }]
    return report.tables.map(({ by, dimension }) => ({
      label: `${name} by ${by}`,
      report: name,
      by,
      ...(report.chart && { chart: { ...report.chart, group: dimension } }),
    }))
  })
