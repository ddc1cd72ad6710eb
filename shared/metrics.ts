/**
 * Every metric that the functions emit. The namespace is the name of the stack, so that the stages of an account do not mix.
 * The dimension is `service`, the name of the function. A metric with `byShard` also has values for each shard of the event stream:
 * every combination of dimensions is billed as a metric, in the hours in which it has a value.
 */
export const metrics = {
  EventsAccepted: { unit: 'Count', about: 'Events written to the stream, re-deliveries included.' },
  EventsQuarantined: { unit: 'Count', about: 'Single events that were quarantined.' },
  TimesIgnored: { unit: 'Count', about: 'Times in calls of SDKs that are not RFC 3339. The arrival time is used instead.' },
  EventsFromFuture: {
    unit: 'Count',
    about: 'Accepted events with a time more than 24 hours after their arrival. Default views leave their windows and days out.',
  },
  EventsReplayed: { unit: 'Count', about: 'Events that were replayed from the quarantine.' },
  FailuresCollected: { unit: 'Count', about: 'Events that were quarantined after Lambda or Firehose gave up on them.' },
  RequestsRefused: { unit: 'Count', about: 'Requests that got a 4xx response.' },
  QuotasUnchecked: {
    unit: 'Count',
    about: 'Requests that were accepted without a check of the quota, because its store failed.',
  },
  DailyQuotasSpent: { unit: 'Count', about: 'Requests for which a key had no daily quota left.' },
  RequestsFailed: { unit: 'Count', about: 'Requests that got a 500 response because of a bug.' },
  RequestsUnavailable: { unit: 'Count', about: 'Requests that got a 503 response.' },
  EventsFolded: { unit: 'Count', about: 'Events folded into the states of users.' },
  EventsRepeated: { unit: 'Count', about: 'Re-deliveries that were recognised and ignored.' },
  LookupsSkipped: {
    unit: 'Count',
    about:
      'Pages of identities that a fold did not have: they were too many, or had expired. A repetition may have been counted.',
  },
  FoldsThrottled: {
    unit: 'Count',
    about: 'Folds of a user that ended because DynamoDB throttled an item. They are repeated until it accepts them.',
    byShard: true,
  },
  EventsLate: { unit: 'Count', about: 'Events that arrived after the lateness bound of their window.' },
  ContributionsMerged: { unit: 'Count', about: 'Deltas merged into windows.' },
  SlotTooLarge: { unit: 'Count', about: 'Writes of window slots that have 80 % of the users that they can remember.' },
  DocumentsIndexed: { unit: 'Count', about: 'Documents written to OpenSearch.' },
  DocumentsRefused: { unit: 'Count', about: 'Documents that OpenSearch rejected permanently.' },
  Conflicts: { unit: 'Count', about: 'Conditional writes that lost to another writer and were retried with its result.' },
  Retries: { unit: 'Count', about: 'Records returned to the stream for redelivery.' },
  FreshnessSeconds: {
    unit: 'Seconds',
    about: 'Time from the arrival of the oldest event of a batch in the stream until the batch was done.',
  },
  UnreadSeconds: {
    unit: 'Seconds',
    about: 'Age of the oldest record that a failed batch left unread in the stream.',
  },
  ReportRows: { unit: 'Count', about: 'Rows published by a report run.' },
  ReportSeconds: { unit: 'Seconds', about: 'Duration of a report run.' },
} as const satisfies Record<string, { unit: 'Count' | 'Seconds'; about: string; byShard?: true }>

export type MetricName = keyof typeof metrics

/** Whether a metric also has values for each shard. */
export const isByShard = (name: string): boolean => name in metrics && 'byShard' in metrics[name as MetricName]

/** The response body of GET /v1/metrics: how much each pipeline step processed in the last hour, and how far it is behind. */
export interface PipelineMetrics {
  /** Starts of the minutes as RFC 3339, oldest first. The last minute is not over yet. */
  readonly minutes: readonly string[]
  /** By step: one count for each minute. */
  readonly perMinute: Readonly<Record<string, readonly number[]>>
  /** By step: seconds from arrival until the step was done, the newest value of the hour. Null without one. */
  readonly lagSeconds: Readonly<Record<string, number | null>>
}
