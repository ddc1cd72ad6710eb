/**
 * Every metric that the functions emit, with its unit and what it says. Their namespace is the name of the stack, so that the
 * stages of an account stay apart; their one dimension is `service`, the function's name.
 */
export const metrics = {
  EventsAccepted: { unit: 'Count', about: 'Events put into the stream, re-deliveries included.' },
  EventsQuarantined: { unit: 'Count', about: 'Single events put aside.' },
  EventsReplayed: { unit: 'Count', about: 'Events that went from the quarantine on their way again.' },
  FailuresCollected: { unit: 'Count', about: 'Events that AWS left as failures and that were taken into the quarantine.' },
  RequestsRefused: { unit: 'Count', about: 'Requests answered with a 4xx.' },
  RequestsUnavailable: { unit: 'Count', about: 'Requests answered with 503.' },
  EventsFolded: { unit: 'Count', about: 'Events folded into user states.' },
  EventsRepeated: { unit: 'Count', about: 'Re-deliveries that were recognised.' },
  EventsLate: { unit: 'Count', about: 'Events later than the lateness bound.' },
  ContributionsMerged: { unit: 'Count', about: 'Contributions merged into windows.' },
  SlotTooLarge: { unit: 'Count', about: 'Window slots near the size limit.' },
  DocumentsIndexed: { unit: 'Count', about: 'Documents written to OpenSearch.' },
  DocumentsRefused: { unit: 'Count', about: 'Documents that OpenSearch refused for good.' },
  Conflicts: { unit: 'Count', about: 'Conditional writes that another writer won, and that were decided again.' },
  Retries: { unit: 'Count', about: 'Records handed back to be delivered again.' },
  FreshnessSeconds: {
    unit: 'Seconds',
    about: 'From the arrival of the oldest event of a batch in the event stream until the batch was done.',
  },
  ReportRows: { unit: 'Count', about: 'Rows that a report run published.' },
  ReportSeconds: { unit: 'Seconds', about: 'Duration of a report run.' },
} as const satisfies Record<string, { unit: 'Count' | 'Seconds'; about: string }>

export type MetricName = keyof typeof metrics

/** The response body of GET /v1/metrics: how much each pipeline step processed in the last hour, and how far it is behind. */
export interface PipelineMetrics {
  /** Starts of the minutes as RFC 3339, oldest first. The last minute is not over yet. */
  readonly minutes: readonly string[]
  /** By step: one count for each minute. */
  readonly perMinute: Readonly<Record<string, readonly number[]>>
  /** By step: seconds from arrival until the step was done, the newest value of the hour. Null without one. */
  readonly lagSeconds: Readonly<Record<string, number | null>>
}
