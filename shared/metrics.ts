/** CloudWatch namespace of the product's own metrics; their one dimension is `service`, the function's name. */
export const METRICS_NAMESPACE = 'Millrace'

/** Every metric that the functions emit, with its unit and what it says. */
export const metrics = {
  EventsAccepted: { unit: 'Count', about: 'Events put into the stream, re-deliveries included.' },
  EventsQuarantined: { unit: 'Count', about: 'Single events put aside.' },
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
  ReportRows: { unit: 'Count', about: 'Rows that a report run published.' },
  ReportSeconds: { unit: 'Seconds', about: 'Duration of a report run.' },
} as const satisfies Record<string, { unit: 'Count' | 'Seconds'; about: string }>

export type MetricName = keyof typeof metrics
