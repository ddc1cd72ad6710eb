import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib'
import { Architecture } from 'aws-cdk-lib/aws-lambda'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { NO_QUOTA } from '../shared/quota.ts'
import type { SearchSettings, Settings } from './settings-types.ts'

const functions: Settings['functions'] = {
  // Of a request, most of the time is spent waiting for Kinesis: docs/cost.md.
  ingest: { memory: 512, timeout: Duration.seconds(25) },
  replay: { memory: 1024, timeout: Duration.seconds(60) },
  'collect-failures': { memory: 1024, timeout: Duration.seconds(900) },
  compact: { memory: 3008, timeout: Duration.seconds(900) },
  reindex: { memory: 1769, timeout: Duration.seconds(900) },
  state: { memory: 1769, timeout: Duration.seconds(120) },
  windows: { memory: 1024, timeout: Duration.seconds(60) },
  'index-documents': { memory: 1024, timeout: Duration.seconds(45) },
  'index-events': { memory: 512, timeout: Duration.seconds(45) },
  'set-up': { memory: 512, timeout: Duration.seconds(120) },
  reports: { memory: 3008, timeout: Duration.seconds(900) },
  query: { memory: 1024, timeout: Duration.seconds(25) },
}

/** Names of alarms and dashboards contain the stage. */
const MAX_STAGE_CHARACTERS = 40

const second = Duration.seconds(1)

const quotas: Settings['api']['quotas'] = {
  client: { minute: 6000, day: 1_000_000 },
  write: { minute: 300_000, day: 'none' },
}

const dev: Settings = {
  removal: RemovalPolicy.DESTROY,
  accessLogs: 'off',
  pointInTimeRecovery: false,
  architecture: Architecture.ARM_64,
  logRetention: RetentionDays.ONE_WEEK,
  api: {
    domain: 'none',
    defaultAddress: 'on',
    rate: 200,
    burst: 400,
    keyless: { pages: { rate: 100, burst: 200 }, others: { rate: 10, burst: 20 } },
    keyRate: 'none',
    quotas,
    signedTraits: 'off',
  },
  stream: { shards: 1, retention: Duration.hours(24) },
  state: {
    batch: { size: 500, window: second },
    // One partition: four readers of streams then use 4 of the 10 executions of a new account, and leave 6 to the API.
    capacity: { read: { min: 25, max: 500 }, write: { min: 25, max: 800 } },
    // Twice the largest request: it is recognised whole although as many events arrived after it.
    identities: { window: Duration.minutes(15), count: 5000, memory: Duration.days(7) },
    retryBudget: Duration.seconds(300),
    lateness: 'none',
  },
  windows: { size: 200, window: second },
  deploymentWait: Duration.minutes(15),
  search: {
    cluster: { instance: 't3.small.search', nodes: 1, volume: 10 },
    documents: { size: 500, window: second },
    rawEvents: { types: ['interaction'], days: 7, batch: { size: 500, window: second } },
    setUpHour: 2,
  },
  archive: {
    bufferInterval: Duration.seconds(60),
    bufferSize: Size.mebibytes(64),
    compaction: { hour: 3, scratch: Size.gibibytes(4), keepRaw: Duration.days(7), keepDays: 'none' },
  },
  reports: {
    engine: 'duckdb',
    scanLimit: Size.tebibytes(1),
    hour: 1,
    scratch: Size.gibibytes(4),
    days: { back: 400, ahead: 1 },
    keep: { runs: 8, days: 30 },
  },
  quarantine: { expiry: Duration.days(90) },
  functions,
  reservedConcurrency: {},
  alarms: {
    email: 'none',
    quarantinedPerHour: 100,
    archiveDelay: Duration.minutes(30),
    silentReaders: 'off',
    level: 'all',
    dashboard: 'on',
  },
}

const prod: Settings = {
  ...dev,
  removal: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  accessLogs: 'on',
  pointInTimeRecovery: true,
  logRetention: RetentionDays.THREE_MONTHS,
  api: {
    ...dev.api,
    rate: 2000,
    burst: 4000,
    keyless: { pages: { rate: 1000, burst: 2000 }, others: { rate: 20, burst: 40 } },
  },
  stream: { shards: 4, retention: Duration.days(7) },
  // Each put of an item is billed, so a batch waits until it has more of each user. Measured: docs/cost.md.
  state: { ...dev.state, capacity: 'on-demand', batch: { size: 5000, window: Duration.seconds(5) } },
  windows: { size: 2000, window: Duration.seconds(4) },
  search: {
    cluster: { instance: 'r7g.large.search', nodes: 3, volume: 100 },
    documents: { size: 1000, window: Duration.seconds(2) },
    rawEvents: { types: ['interaction'], days: 30, batch: { size: 5000, window: Duration.seconds(5) } },
    setUpHour: 2,
  },
  archive: {
    bufferInterval: Duration.seconds(300),
    bufferSize: Size.mebibytes(128),
    compaction: { ...dev.archive.compaction, scratch: Size.gibibytes(10), keepRaw: Duration.days(30) },
  },
  reports: { ...dev.reports, scratch: Size.gibibytes(10) },
  // Readers of the API cannot take the executions that ingest and the stream readers need.
  reservedConcurrency: { query: 50 },
  alarms: { ...dev.alarms, silentReaders: 'on' },
}

const localSearch = (url: string): SearchSettings => ({
  cluster: { url },
  documents: { size: 500, window: second },
  rawEvents: { types: 'all', days: 7, batch: { size: 500, window: second } },
  setUpHour: 2,
})

/** The local cloud. Functions run on this machine, OpenSearch is the one that `up` started, and two shards make order across shards real. */
const local = (opensearchUrl: string | undefined): Settings => ({
  ...dev,
  architecture: process.arch === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
  logRetention: RetentionDays.ONE_DAY,
  api: { ...dev.api, rate: 10_000, burst: 5000, quotas: { client: NO_QUOTA, write: NO_QUOTA } },
  stream: { ...dev.stream, shards: 2 },
  state: { ...dev.state, capacity: 'on-demand' },
  search: opensearchUrl ? localSearch(opensearchUrl) : 'off',
  archive: { ...dev.archive, compaction: { ...dev.archive.compaction, scratch: Size.gibibytes(1) } },
  reports: { ...dev.reports, scratch: Size.gibibytes(1), days: 'all' },
})

/** Stages with the settings of dev: one for each developer, branch or test. */
const DEV_STAGE = /^dev(-[a-z0-9]+)*$/

/** The settings of a stage. `opensearchUrl` is the OpenSearch of a local stage. Throws an error of one line for an unknown stage. */
export function settingsFor(stage: string, opensearchUrl?: string): Settings {
  if (DEV_STAGE.test(stage) && stage.length <= MAX_STAGE_CHARACTERS) return dev
  if (stage === 'prod') return prod
  if (stage === 'local') return local(opensearchUrl)
  throw new Error(
    `There is no stage ${stage}. Use -c stage=dev, dev-NAME (lower-case letters, digits, hyphens, ${MAX_STAGE_CHARACTERS} characters in all), prod or local, or add a stage to infra/settings.ts.`,
  )
}
