import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib'
import { Architecture } from 'aws-cdk-lib/aws-lambda'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { FunctionName } from '../shared/environment.ts'

/** How a function takes records from a stream. */
export interface Batch {
  /** Most records of one call: 1 to 10,000 (and never more than 6 MB). */
  readonly size: number
  /** How long a batch that is not full waits for more records: 0 to 300 s. */
  readonly window: Duration
}

/** An OpenSearch domain of the stack's own. */
export interface DomainSettings {
  /** Instance type of the data nodes. */
  readonly instance: string
  /** Data nodes; from two on they stand in two availability zones. */
  readonly nodes: number
  /** Disk of one node, in GiB. */
  readonly volume: number
}

/** An OpenSearch that already runs, by its URL. */
export interface RunningCluster {
  readonly url: string
}

export interface SearchSettings {
  readonly cluster: DomainSettings | RunningCluster
  /** How the documents function takes changes of the state table. */
  readonly documents: Batch
  readonly rawEvents: {
    /** The types whose recent events get a document each; `all` has types without a definition, too. */
    readonly types: readonly string[] | 'all' | 'none'
    /** How many days of them are kept, by event time. */
    readonly days: number
    readonly batch: Batch
  }
  /** Hour of the day (UTC) at which indices and mappings are brought up to the catalogue. */
  readonly setUpHour: number
}

/** Every dial an operator turns. */
export interface Settings {
  /** Whether the stores go with the stack (DESTROY) or outlive it and are protected from deletion (RETAIN). */
  readonly removal: RemovalPolicy
  /** Whether tables can be restored to any second of the last 35 days. */
  readonly pointInTimeRecovery: boolean
  /** What the functions run on. */
  readonly architecture: Architecture
  /** How long logs are kept. */
  readonly logRetention: RetentionDays
  readonly api: {
    /** Requests a second that the API lets through. */
    readonly rate: number
    /** Requests that it lets through at once. */
    readonly burst: number
    /**
     * Requests a second, from 1, that one environment of ingest takes with one key; the others are answered 429. Each
     * environment counts its own, so this stops a runaway client and is no quota.
     */
    readonly keyRate: number | 'none'
  }
  readonly stream: {
    /** Shards of the event stream (plan 0.5 MB/s each, three readers share it), or on-demand capacity. */
    readonly shards: number | 'on-demand'
    /** How long events stay in the stream, 24 hours to 365 days; a store that is down is waited for an hour less, and at most 7 days. */
    readonly retention: Duration
  }
  readonly state: {
    readonly batch: Batch
    /** A client's re-send is recognised for this long after the first arrival... */
    readonly identityWindow: Duration
    /** ...and among this many identities of its user, the newest. */
    readonly identityCount: number
    /** How long one event may hold up its shard before it goes to quarantine. */
    readonly retryBudget: Duration
    /** How late an event may be to still count in its window; `none`: windows are kept for ever and take every event. */
    readonly lateness: Duration | 'none'
  }
  readonly windows: Batch
  /** OpenSearch; `off`: the rest works without it and searches answer 501. */
  readonly search: SearchSettings | 'off'
  readonly archive: {
    /** Firehose writes an object when this much time has passed (60 to 900 s; fewer seconds make more, smaller objects)... */
    readonly bufferInterval: Duration
    /** ...or this much data has come: 64 to 128 MiB. */
    readonly bufferSize: Size
  }
  readonly reports: {
    /** Hour of the day (UTC) at which the daily reports run. */
    readonly hour: number
    /**
     * Disk of the reports function: 512 MiB to 10 GiB. It bounds the reports over the whole archive: ten million actions were
     * enriched in 1.4 GiB (2.4 where all actions differ), in three minutes and 2 GB of memory; so 4 GiB do for some 15 million
     * rows, and 10 GiB for some 40 million, which is also about what the function's 15 minutes are enough for.
     */
    readonly scratch: Size
  }
  /** Memory in MB (1,769 is one processor) and time-out of each function. */
  readonly functions: Readonly<Record<FunctionName, { readonly memory: number; readonly timeout: Duration }>>
  readonly alarms: {
    /** Who gets the alarms; `none`: subscribe to the topic by hand. */
    readonly email: string
    /** Quarantined events an hour that raise an alarm. */
    readonly quarantinedPerHour: number
    /** How far behind the archive may fall. */
    readonly archiveDelay: Duration
  }
}

const functions: Settings['functions'] = {
  ingest: { memory: 1024, timeout: Duration.seconds(25) },
  replay: { memory: 1024, timeout: Duration.seconds(60) },
  'collect-failures': { memory: 1024, timeout: Duration.seconds(900) },
  reindex: { memory: 1024, timeout: Duration.seconds(60) },
  state: { memory: 1769, timeout: Duration.seconds(120) },
  windows: { memory: 1024, timeout: Duration.seconds(60) },
  'index-documents': { memory: 1024, timeout: Duration.seconds(45) },
  'index-events': { memory: 512, timeout: Duration.seconds(45) },
  'set-up': { memory: 512, timeout: Duration.seconds(120) },
  reports: { memory: 3008, timeout: Duration.seconds(900) },
  query: { memory: 1024, timeout: Duration.seconds(25) },
}

const second = Duration.seconds(1)

const dev: Settings = {
  removal: RemovalPolicy.DESTROY,
  pointInTimeRecovery: false,
  architecture: Architecture.ARM_64,
  logRetention: RetentionDays.ONE_WEEK,
  api: { rate: 200, burst: 400, keyRate: 'none' },
  stream: { shards: 1, retention: Duration.hours(24) },
  state: {
    batch: { size: 500, window: second },
    identityWindow: Duration.minutes(15),
    identityCount: 2500,
    retryBudget: Duration.seconds(300),
    lateness: 'none',
  },
  windows: { size: 200, window: second },
  search: {
    cluster: { instance: 't3.small.search', nodes: 1, volume: 10 },
    documents: { size: 500, window: second },
    rawEvents: { types: ['interaction'], days: 7, batch: { size: 500, window: second } },
    setUpHour: 2,
  },
  archive: { bufferInterval: Duration.seconds(60), bufferSize: Size.mebibytes(64) },
  reports: { hour: 1, scratch: Size.gibibytes(4) },
  functions,
  alarms: { email: 'none', quarantinedPerHour: 100, archiveDelay: Duration.minutes(30) },
}

const prod: Settings = {
  ...dev,
  removal: RemovalPolicy.RETAIN,
  pointInTimeRecovery: true,
  logRetention: RetentionDays.THREE_MONTHS,
  api: { rate: 2000, burst: 4000, keyRate: 'none' },
  stream: { shards: 4, retention: Duration.days(7) },
  search: {
    cluster: { instance: 'r6g.large.search', nodes: 2, volume: 100 },
    documents: { size: 1000, window: Duration.seconds(2) },
    rawEvents: { types: ['interaction'], days: 30, batch: { size: 1000, window: Duration.seconds(2) } },
    setUpHour: 2,
  },
  archive: { bufferInterval: Duration.seconds(300), bufferSize: Size.mebibytes(128) },
  reports: { hour: 1, scratch: Size.gibibytes(10) },
}

const localSearch = (url: string): SearchSettings => ({
  cluster: { url },
  documents: { size: 500, window: second },
  rawEvents: { types: 'all', days: 7, batch: { size: 500, window: second } },
  setUpHour: 2,
})

/** The local cloud: its functions run on this machine; two shards, so that order across shards is real; the OpenSearch that `up` started. */
const local = (opensearchUrl: string | undefined): Settings => ({
  ...dev,
  architecture: process.arch === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
  logRetention: RetentionDays.ONE_DAY,
  api: { rate: 10_000, burst: 5000, keyRate: 'none' },
  stream: { ...dev.stream, shards: 2 },
  search: opensearchUrl ? localSearch(opensearchUrl) : 'off',
  reports: { hour: 1, scratch: Size.gibibytes(1) },
})

/** The dials of a stage; `opensearchUrl` is where a local stage finds OpenSearch. Throws one line for an unknown stage. */
export function settingsFor(stage: string, opensearchUrl?: string): Settings {
  if (stage === 'dev') return dev
  if (stage === 'prod') return prod
  if (stage === 'local') return local(opensearchUrl)
  throw new Error(
    `There is no stage ${stage}; use -c stage=dev, -c stage=prod or -c stage=local, or add one to infra/settings.ts.`,
  )
}
