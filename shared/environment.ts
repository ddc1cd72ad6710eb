/** The environment variables of every function. infra/ sets them; lambdas/handler.ts reads and checks them. */
export const environments = {
  ingest: [
    'STREAM_NAME',
    'KEYS_TABLE',
    'KEY_USE_TABLE',
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'QUARANTINE_DAYS',
    'KEY_RATE',
    'CLIENT_QUOTA',
    'WRITE_QUOTA',
    'SIGNED_TRAITS',
    'ALARM_TOPIC',
  ],
  replay: [
    'STREAM_NAME',
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'OPENSEARCH_URL',
    'STATE_TABLE',
    'LATENESS_HOURS',
    'KEYS_TABLE',
    'SIGNED_TRAITS',
  ],
  'collect-failures': [
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'QUARANTINE_DAYS',
    'ARCHIVE_BUCKET',
    'RAW_EVENTS_FUNCTION',
    'RAW_EVENT_TYPES',
    'DOCUMENTS_FUNCTION',
    'STATE_TABLE',
    'IDENTITY_MINUTES',
    'IDENTITY_COUNT',
    'IDENTITY_DAYS',
    'PAGES_TABLE',
  ],
  compact: [
    'JOBS_TABLE',
    'ARCHIVE_BUCKET',
    'LEDGER_TABLE',
    'ARCHIVE_DATABASE',
    'RAW_DAYS',
    'COMPACTED_DAYS',
    'RETENTION_HOURS',
    'SCRATCH_MEBIBYTES',
  ],
  reindex: ['JOBS_TABLE', 'STATE_TABLE', 'OPENSEARCH_URL', 'QUARANTINE_TABLE', 'QUARANTINE_BUCKET', 'QUARANTINE_DAYS'],
  state: [
    'STATE_TABLE',
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'QUARANTINE_DAYS',
    'IDENTITY_MINUTES',
    'IDENTITY_COUNT',
    'IDENTITY_DAYS',
    'PAGES_TABLE',
    'RETRY_BUDGET_SECONDS',
    'LATENESS_HOURS',
  ],
  windows: [
    'STATE_TABLE',
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'QUARANTINE_DAYS',
    'LATENESS_HOURS',
    'DEPLOYMENT_WAIT_MINUTES',
  ],
  'index-documents': [
    'STATE_TABLE',
    'OPENSEARCH_URL',
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'QUARANTINE_DAYS',
    'DEPLOYMENT_WAIT_MINUTES',
  ],
  'index-events': [
    'OPENSEARCH_URL',
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'QUARANTINE_DAYS',
    'RAW_EVENT_TYPES',
    'RAW_EVENT_DAYS',
  ],
  'set-up': ['OPENSEARCH_URL', 'RAW_EVENT_DAYS'],
  reports: [
    'ARCHIVE_BUCKET',
    'ARCHIVE_DATABASE',
    'ATHENA_WORKGROUP',
    'LEDGER_TABLE',
    'REPORTS_TABLE',
    'REPORT_DAYS_BACK',
    'REPORT_DAYS_AHEAD',
    'KEPT_RUNS',
    'KEPT_DAYS',
  ],
  query: [
    'STATE_TABLE',
    'KEYS_TABLE',
    'KEY_USE_TABLE',
    'STREAM_NAME',
    'ARCHIVE_BUCKET',
    'REPORTS_TABLE',
    'JOBS_TABLE',
    'QUARANTINE_TABLE',
    'QUARANTINE_BUCKET',
    'OPENSEARCH_URL',
    'RAW_EVENT_TYPES',
    'METRICS_NAMESPACE',
    'DELIVERY_STREAM',
    'STATE_FUNCTION',
    'WINDOWS_FUNCTION',
    'DOCUMENTS_FUNCTION',
    'RAW_EVENTS_FUNCTION',
  ],
} as const satisfies Record<string, readonly string[]>

export type FunctionName = keyof typeof environments
export type Environment<F extends FunctionName> = Readonly<Record<(typeof environments)[F][number], string>>

/** The value of a variable that is not set: unbounded lateness, a stage without OpenSearch or Athena, no event types. */
export const NONE = 'none'
/** The value of a variable that turns something on; `off` turns it off. */
export const ON = 'on'
/** All event types, in the catalogue or not; all days. */
export const ALL = 'all'

/** The environment of one function. Throws with the names of missing variables. */
export function readEnvironment<F extends FunctionName>(name: F, from: NodeJS.ProcessEnv = process.env): Environment<F> {
  const names: readonly string[] = environments[name]
  const missing = names.filter(key => !from[key])
  if (missing.length > 0)
    throw new Error(`The function ${name} needs these environment variables: ${missing.join(', ')}. Deploy the stage again.`)
  return Object.fromEntries(names.map(key => [key, from[key]])) as Environment<F>
}
