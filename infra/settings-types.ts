import type { Duration, RemovalPolicy, Size } from 'aws-cdk-lib'
import type { Architecture } from 'aws-cdk-lib/aws-lambda'
import type { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { FunctionName } from '../shared/environment.ts'
import type { Quota } from '../shared/keys.ts'
import type { EngineName } from '../shared/report.ts'

/** How Lambda batches the records of a stream for a function. */
export interface Batch {
  /** Most records in one batch: 1 to 10,000. Lambda also limits a batch to 6 MB. */
  readonly size: number
  /** How long Lambda waits for more records before it sends a batch that is not full: 0 to 300 s. */
  readonly window: Duration
}

/** Units of a provisioned table. It scales between them when it is used to 70 %. */
export interface CapacityRange {
  readonly min: number
  readonly max: number
}

/** An OpenSearch domain that the stack creates. */
export interface DomainSettings {
  /** Instance type of the data nodes. */
  readonly instance: string
  /**
   * Number of data nodes. A multiple of three is spread over three availability zones, any other even number over two. With two
   * nodes, the cluster elects no leader while one of them is down, and refuses writes until it is back.
   */
  readonly nodes: number
  /** Disk size of each node, in GiB. */
  readonly volume: number
}

/** An OpenSearch cluster outside the stack. */
interface RunningCluster {
  readonly url: string
}

export interface SearchSettings {
  readonly cluster: DomainSettings | RunningCluster
  /** Batches of state-table changes for index-documents. */
  readonly documents: Batch
  readonly rawEvents: {
    /** Event types whose recent events are indexed, one document for each event; `all` includes types outside the catalogue. */
    readonly types: readonly string[] | 'all' | 'none'
    /** How many days of raw events OpenSearch keeps, by event time. The archive keeps all events without limit. */
    readonly days: number
    readonly batch: Batch
  }
  /** Hour of the day (UTC) when set-up updates indices and mappings and deletes old raw events. */
  readonly setUpHour: number
}

/** A domain of your own for the API. */
export interface ApiDomain {
  /** Such as `events.example.com`. */
  readonly name: string
  /** ARN of a certificate of ACM for this name, in the region of the stage. */
  readonly certificate: string
  /** The hosted zone of Route 53 that gets the record of this name. `none`: create the record yourself; the output `ApiTarget` is its value. */
  readonly hostedZone: { readonly id: string; readonly name: string } | 'none'
}

/** All settings of a stage. */
export interface Settings {
  /**
   * Whether the stores are deleted with the stack (`DESTROY`), or kept and protected from deletion (`RETAIN_ON_UPDATE_OR_DELETE`;
   * a first deployment that fails deletes them). `millrace destroy` deletes kept stores, too.
   */
  readonly removal: RemovalPolicy.DESTROY | RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
  /**
   * `on`: one more bucket has a log of all accesses to the others. S3 writes to it for hours after the last access, also while it is
   * emptied, so that CloudFormation cannot delete it.
   */
  readonly accessLogs: 'on' | 'off'
  /** Whether the tables can be restored to any second of the last 35 days. */
  readonly pointInTimeRecovery: boolean
  /** Processor architecture of the functions. */
  readonly architecture: Architecture
  /** How long logs are kept. */
  readonly logRetention: RetentionDays
  readonly api: {
    /** A domain of your own: ad blockers leave an address on the site's own domain alone. `none`: the address that AWS gives. */
    readonly domain: ApiDomain | 'none'
    /** Whether the API also answers at the address that AWS gives. Without a domain of your own it must. */
    readonly defaultAddress: 'on' | 'off'
    /** Requests per second that the API accepts from all clients together; beyond it the API answers 429. */
    readonly rate: number
    /** Size of the token bucket for `rate`: how many requests may arrive at once. */
    readonly burst: number
    /**
     * The same for each route that needs no key, so that nobody without a key uses up what others pay for. `pages`: what browsers
     * request before they send events. `others`: health, the console, the OpenAPI document and unknown paths.
     */
    readonly keyless: Readonly<Record<'pages' | 'others', { readonly rate: number; readonly burst: number }>>
    /**
     * Rate limit of each key: requests per second, at least 1, that one execution environment of ingest accepts with one key;
     * beyond it the response is 429. Environments count separately, so this stops a runaway client but is not an exact quota.
     */
    readonly keyRate: number | 'none'
    /**
     * How many events may be sent with one key in a minute and a day, in all environments of ingest together, and 1 KB of bodies for
     * each; beyond it the response is 429. `keys create --quota` gives a key a quota of its own.
     */
    readonly quotas: { readonly client: Quota; readonly write: Quota }
    /**
     * `on`: an event `user_traits` of a user that comes with a client key needs the user's signature by the secret of the key. `off`:
     * who copies a client key can write the traits of every user, if the key permits `user_traits`.
     */
    readonly signedTraits: 'on' | 'off'
  }
  readonly stream: {
    /** Number of shards of the event stream, or on-demand capacity. Plan 0.5 MB/s for each shard: three readers share its 2 MB/s. */
    readonly shards: number | 'on-demand'
    /**
     * How long the stream keeps events: 24 hours to 365 days. Readers wait for an unavailable store for one hour less, at most 7 days.
     * Shorten it only while no reader is behind: what is older than the new value is inaccessible at once, read or not.
     */
    readonly retention: Duration
  }
  readonly state: {
    readonly batch: Batch
    /**
     * Capacity of the state table. A new on-demand table has 4 partitions, so that windows and documents use 4 concurrent
     * executions each. Below 1,000 write and 3,000 read units together, a provisioned table has one partition.
     */
    readonly capacity: 'on-demand' | { readonly read: CapacityRange; readonly write: CapacityRange }
    readonly identities: {
      /** An event that a client sends again is recognised for this long after its first arrival, at least 15 minutes... */
      readonly window: Duration
      /** ...and only among this many newest identities of its user, at least 2,500: the largest request. */
      readonly count: number
      /** An event that states a time is recognised for this long when it states the same time again, 1 to 30 days. */
      readonly memory: Duration
    }
    /** How long the state function retries an event that hangs it or ends its process, before it quarantines the event. It blocks its shard meanwhile. */
    readonly retryBudget: Duration
    /**
     * How late an event may be and still count in its window. `none`: no limit, and windows never expire. A longer bound does not
     * bring expired windows back: the old bound still holds for windows that end before a day after the change.
     */
    readonly lateness: Duration | 'none'
  }
  readonly windows: Batch
  /**
   * How long windows and documents wait for a projection that their code does not know, because a running deployment may bring it: 1
   * minute to an hour, in whole minutes. The changes of all users in the same partition of the table wait meanwhile; then the change
   * is quarantined. Make it longer than your deployments.
   */
  readonly deploymentWait: Duration
  /** OpenSearch. `off`: the stage has none, and search routes answer 501. */
  readonly search: SearchSettings | 'off'
  readonly archive: {
    /** Firehose writes an object after this time (60 to 900 s; a shorter time makes more and smaller objects)... */
    readonly bufferInterval: Duration
    /** ...or after this much data (64 to 128 MiB), whichever comes first. */
    readonly bufferSize: Size
    readonly compaction: {
      /** Hour of the day (UTC) when the closed days are compacted. */
      readonly hour: number
      /**
       * Disk of the compact function: 512 MiB to 10 GiB. A day whose raw objects have more than a quarter of it is compacted by hours; with
       * an hour that has more, it stays raw.
       */
      readonly scratch: Size
      /** How long the raw objects of a compacted day are kept, in whole days, at least one. */
      readonly keepRaw: Duration
      /**
       * How long compacted days are kept, in whole days. `none`: without limit. Reports miss the events that have expired: a daily report
       * publishes no day again of which arrivals have expired, and one as of an instant has only the others.
       */
      readonly keepDays: Duration | 'none'
    }
  }
  readonly reports: {
    /**
     * What computes the reports: DuckDB in the function, or Athena for what outgrows a function (README, "Which engine computes the reports"). Athena runs
     * `NAME.athena.sql`, which every report of the stage then needs. The local cloud has no Athena.
     */
    readonly engine: EngineName
    /** A query of Athena that would read more is cancelled. AWS bills about 5 $ for a TB. */
    readonly scanLimit: Size
    /** Hour of the day (UTC) when the daily reports run. */
    readonly hour: number
    /**
     * Disk of the reports function: 512 MiB to 10 GiB. It limits the reports over the whole archive. Measured: enriched-actions
     * over 10 million actions needs 1.4 GiB (2.4 GiB if all actions differ), 2 GB of memory and 3 minutes. So 4 GiB are enough for
     * about 15 million rows and 10 GiB for about 40 million, which is also about the most that the 15-minute time-out allows.
     */
    readonly scratch: Size
    /**
     * Which days a scheduled run of a daily report publishes: those from `back` days before to `ahead` days after the day on which one of
     * their events arrived. Clients choose the times of events. `millrace report` publishes every day.
     */
    readonly days: { readonly back: number; readonly ahead: number } | 'all'
    /**
     * Which runs of a report that is published as of instants are kept, because each repeats all history: the last `runs`, and the last
     * of each of the last `days` days. Days of daily reports are kept without limit.
     */
    readonly keep: { readonly runs: number; readonly days: number }
  }
  readonly quarantine: {
    /**
     * How long a rejected event stays in the quarantine after its last occurrence, in whole days: at least a day longer than the
     * stream keeps events. `none`: until it is replayed or discarded. A shorter value also deletes the objects of the quarantine that
     * are older, and their events cannot be replayed after that: replay or discard them before.
     */
    readonly expiry: Duration | 'none'
  }
  /** Memory in MB (1,769 MB gives one processor) and time-out of each function. */
  readonly functions: Readonly<Record<FunctionName, { readonly memory: number; readonly timeout: Duration }>>
  /**
   * Reserved concurrency: how many executions a function has for itself, and at most. AWS keeps 100 of an account's executions
   * unreserved, and a new account has 10 in all: there, any reservation fails the deployment.
   */
  readonly reservedConcurrency: Readonly<Partial<Record<FunctionName, number>>>
  readonly alarms: {
    /** E-mail address for alarms. `none`: no subscription; subscribe to the topic by hand. */
    readonly email: string
    /** Threshold of the alarm `quarantine-growing`: events that ingest quarantines per hour. */
    readonly quarantinedPerHour: number
    /** Threshold of the Firehose alarm `archive-behind`: delivery lag beyond `archive.bufferInterval`. */
    readonly archiveDelay: Duration
    /**
     * `on`: alarms on readers that read nothing while records arrive. A reader that lost its rights has no lag that Lambda measures. They
     * cost about 11 $ a month: six metrics for each of four readers, and five composite alarms with their parts.
     */
    readonly silentReaders: 'on' | 'off'
    /** Which alarms the stage has: all, only those that cannot wait (of severity `page`), or none. An alarm costs 0.10 $ a month. */
    readonly level: 'all' | 'pages' | 'none'
    /** The page with all alarms and graphs. It costs 3 $ a month, beyond the three that an account has for nothing. */
    readonly dashboard: 'on' | 'off'
  }
}
