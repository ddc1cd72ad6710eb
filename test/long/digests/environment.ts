// Must be imported before the product, whose functions read the environment and the clock when they are loaded.
import { mock } from 'node:test'

/** When every run starts: 40 minutes after the start of the simulators. */
export const START = Date.parse('2026-01-01T00:40:00Z')

mock.timers.enable({ apis: ['Date'], now: START })
export const setClock = (now: number): void => mock.timers.setTime(now)

Object.assign(process.env, {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  POWERTOOLS_METRICS_NAMESPACE: 'millrace',
  POWERTOOLS_DEV: 'false',
  STREAM_NAME: 'stream',
  KEYS_TABLE: 'keys',
  QUARANTINE_TABLE: 'quarantine',
  QUARANTINE_BUCKET: 'aside',
  QUARANTINE_DAYS: 'none',
  KEY_RATE: 'none',
  KEY_USE_TABLE: 'use',
  CLIENT_QUOTA: 'none',
  WRITE_QUOTA: 'none',
  SIGNED_TRAITS: 'off',
  ALARM_TOPIC: 'none',
  OPENSEARCH_URL: 'http://127.0.0.1:2',
  ARCHIVE_BUCKET: 'archive',
  RAW_EVENTS_FUNCTION: 'raw',
  DOCUMENTS_FUNCTION: 'documents',
  STATE_TABLE: 'state',
  IDENTITY_MINUTES: '15',
  IDENTITY_COUNT: '150',
  IDENTITY_DAYS: '7',
  PAGES_TABLE: 'pages',
  RETRY_BUDGET_SECONDS: '300',
  DEPLOYMENT_WAIT_MINUTES: '15',
  LATENESS_HOURS: '6',
  RETENTION_HOURS: '24',
  RAW_EVENT_TYPES: 'all',
  RAW_EVENT_DAYS: '7',
  REPORTS_TABLE: 'reports',
  JOBS_TABLE: 'jobs',
  LEDGER_TABLE: 'ledger',
  METRICS_NAMESPACE: 'millrace',
  DELIVERY_STREAM: 'delivery',
  STATE_FUNCTION: 'state',
  WINDOWS_FUNCTION: 'windows',
})
