import { CfnResource } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { NONE } from '../shared/environment.ts'
import type { EventType } from '../shared/event-type.ts'
import type { StackOutputs } from '../shared/outputs.ts'
import { type Projection, projectionKey } from '../shared/projection.ts'
import type { Report } from '../shared/report.ts'
import { Alarms, type Monitored } from './alarm-topic.ts'
import { Api } from './api.ts'
import { Archive } from './archive.ts'
import { Athena } from './athena.ts'
import { Compaction } from './compaction.ts'
import { costs } from './costs.ts'
import { dashboard } from './dashboard.ts'
import { Failures } from './failures.ts'
import { Ingest } from './ingest.ts'
import { Jobs } from './jobs.ts'
import { Keys } from './keys.ts'
import type { LambdaFunction } from './lambda-function.ts'
import { Quarantine } from './quarantine.ts'
import { Query } from './query.ts'
import { Reindex } from './reindex.ts'
import { Replay } from './replay.ts'
import { Reports } from './reports.ts'
import { Search } from './search.ts'
import type { Settings } from './settings-types.ts'
import { identityMemory, State } from './state.ts'
import { AccessLogs } from './stores.ts'
import { EventStream } from './stream.ts'
import { Windows } from './windows.ts'

export interface MillraceProps {
  readonly stage: string
  readonly settings: Settings
  /** The catalogue. The columns of the archive derive from it. */
  readonly eventTypes: readonly EventType[]
  readonly projections: readonly Projection[]
  /** The reports that run on a schedule. */
  readonly reports: readonly Report[]
}

/** The parts of the product, which functions may access which store, and what is monitored. */
export class Millrace extends Construct {
  /** What the CLI needs to know of a deployed stack, and what the DNS record of its own domain must point to. */
  readonly outputs: StackOutputs & { readonly ApiTarget?: string }

  constructor(scope: Construct, id: string, props: MillraceProps) {
    super(scope, id)
    const parts = createParts(this, props)
    allowAccess(parts)
    allowSearchAccess(parts)
    deployReadersFirst(parts)
    monitor(this, parts, props)
    const { domain } = parts.api
    this.outputs = { ...outputsOf(parts, props), ...(domain && { ApiTarget: domain.target }) }
  }
}

type Parts = ReturnType<typeof createParts>

/** The parts, in the order in which events flow through them. */
function createParts(scope: Construct, { stage, settings, eventTypes, projections, reports: scheduled }: MillraceProps) {
  const accessLogs = settings.accessLogs === 'on' ? new AccessLogs(scope, settings) : undefined
  const keys = new Keys(scope, settings)
  const stream = new EventStream(scope, settings)
  const jobs = new Jobs(scope, settings)
  const quarantine = new Quarantine(scope, { settings, accessLogs })

  const alarms = new Alarms(scope, settings)
  const ingest = new Ingest(scope, { keys, stream, quarantine, alarms, settings })
  const state = new State(scope, { stream, quarantine, settings })
  const windows = new Windows(scope, { state, quarantine, settings })
  const search =
    settings.search === 'off'
      ? undefined
      : new Search(scope, { search: settings.search, stream, state, quarantine, projections, settings })
  const archive = new Archive(scope, { stage, stream, eventTypes, accessLogs, settings })
  const compaction = new Compaction(scope, { archive, jobs, settings })
  const failures = new Failures(scope, { archive, quarantine, search, state, settings })
  const replay = new Replay(scope, { keys, stream, state, quarantine, search, settings })
  const reindex = search && new Reindex(scope, { jobs, state, search, quarantine, settings })
  const athena = settings.reports.engine === 'athena' ? new Athena(scope, { stage, archive, settings }) : undefined
  const reports = new Reports(scope, { archive, reports: scheduled, athena, settings })
  const query = new Query(scope, { keys, stream, state, windows, search, archive, reports, jobs, quarantine, settings })
  const api = new Api(scope, { functions: [ingest.function, query.function], archive, settings })
  return {
    keys,
    stream,
    jobs,
    quarantine,
    alarms,
    ingest,
    state,
    windows,
    search,
    archive,
    compaction,
    failures,
    replay,
    reindex,
    athena,
    reports,
    query,
    api,
  }
}

/** Which function may access which store, without search. */
function allowAccess({
  keys,
  stream,
  jobs,
  quarantine,
  ingest,
  state,
  windows,
  archive,
  failures,
  replay,
  athena,
  reports,
  query,
}: Parts): void {
  keys.allowFind(ingest.function, query.function)
  keys.allowList(replay.function)
  stream.allowPut(ingest.function, replay.function)
  stream.allowDescribe(query.function)
  quarantine.allowAddRequests(ingest.function)
  quarantine.allowAdd(state.function, windows.function)
  quarantine.allowReplay(replay.function)
  quarantine.allowCollect(failures.function)
  archive.allowCollectErrors(failures.function)
  state.allowFold(state.function)
  state.allowDerive(windows.function)
  state.allowMerge(replay.function)
  state.allowRead(query.function)
  archive.allowReadEvents(reports.function)
  archive.allowPublish(reports.function)
  athena?.allowQuery(reports.function)
  archive.allowReadReports(query.function)
  reports.allowRun(reports.function)
  reports.allowRead(query.function)
  jobs.allowRead(query.function)
  quarantine.allowList(query.function)
  query.allowReadMetrics()
}

/** Which function may access OpenSearch, and what the functions of search may access elsewhere. */
function allowSearchAccess({ quarantine, state, search, reindex, replay, query }: Parts): void {
  if (!search || !reindex) return
  quarantine.allowAdd(search.documents, search.events, reindex.function)
  state.allowReadParts(search.documents)
  state.allowScan(reindex.function)
  for (const fn of [search.documents, search.events, search.setUp, reindex.function, replay.function, query.function])
    search.allow(fn)
}

/**
 * Updates readers before the functions that write for them. So the readers of the outbox and of the states know a new projection
 * before its first delta, and the readers of the stream a new event type or column before its first row. Only the function itself
 * waits: its role and its stream mapping do not.
 */
function deployReadersFirst({ ingest, replay, state, windows, search, archive }: Parts): void {
  updateAfter(state.function, [windows.function, ...(search ? [search.documents] : [])])
  const readers = [state.function, ...(search ? [search.events] : []), archive.table.table, archive.delivery]
  for (const writer of [ingest.function, replay.function]) updateAfter(writer, readers)
}

function updateAfter(writer: LambdaFunction, readers: readonly Construct[]): void {
  for (const reader of readers) resourceOf(writer).addResourceDependency(resourceOf(reader))
}

const resourceOf = (part: Construct): CfnResource =>
  CfnResource.isCfnResource(part) ? part : (part.node.defaultChild as CfnResource)

const functionsOf = ({
  ingest,
  state,
  windows,
  search,
  compaction,
  failures,
  replay,
  reindex,
  reports,
  query,
}: Parts): LambdaFunction[] => [
  ...[ingest, state, windows, compaction, failures, replay, reports, query].map(part => part.function),
  ...(search && reindex ? [search.documents, search.events, search.setUp, reindex.function] : []),
]

/** Alarms and dashboard. The graphs are in the order of the data flow, followed by reads, quarantine and costs. */
function monitor(scope: Construct, parts: Parts, { stage, settings }: MillraceProps): void {
  const {
    stream,
    quarantine,
    ingest,
    state,
    windows,
    search,
    archive,
    compaction,
    failures,
    replay,
    reindex,
    reports,
    query,
    api,
  } = parts
  const monitored: readonly Monitored[] = [
    ...[api, ingest, stream, state, windows, ...(search ? [search] : []), archive, compaction, reports, query],
    ...[quarantine, failures, replay, ...(reindex ? [reindex] : [])],
    costs({ api, functions: functionsOf(parts), stream, state, archive, quarantine, settings }),
  ]
  const alarms = parts.alarms.watch(monitored, stage)
  if (settings.alarms.dashboard === 'on') dashboard(scope, monitored, { stage, alarms })
}

const outputsOf = (parts: Parts, { settings, projections }: MillraceProps): StackOutputs => {
  const { keys, stream, jobs, quarantine, state, search, archive, compaction, failures, replay, reindex, athena, reports, api } =
    parts
  return {
    ApiUrl: api.url,
    StreamName: stream.stream.streamName,
    StateTable: state.table.tableName,
    KeysTable: keys.table.tableName,
    KeyUseTable: keys.use.tableName,
    QuarantineTable: quarantine.table.tableName,
    QuarantineBucket: quarantine.bucket.bucketName,
    ReportsTable: reports.table.tableName,
    ArchiveBucket: archive.bucket.bucketName,
    DeliveryStream: archive.delivery.deliveryStreamName,
    OpenSearchUrl: search?.url ?? NONE,
    RawEventTypes: search?.rawEvents.RAW_EVENT_TYPES ?? NONE,
    LogGroups: functionsOf(parts)
      .map(fn => `${fn.service}=${fn.logGroup.logGroupName}`)
      .join(),
    RawEventDays: search?.rawEvents.RAW_EVENT_DAYS ?? NONE,
    Projections: projections.map(projectionKey).join() || NONE,
    ReportsFunction: reports.function.functionName,
    AthenaWorkgroup: athena?.workgroup ?? NONE,
    SetUpFunction: search?.setUp.functionName ?? NONE,
    IdentityMinutes: identityMemory(settings).IDENTITY_MINUTES,
    ReplayFunction: replay.function.functionName,
    CollectFailuresFunction: failures.function.functionName,
    CompactFunction: compaction.function.functionName,
    LedgerTable: archive.ledger.tableName,
    JobsTable: jobs.table.tableName,
    ReindexFunction: reindex?.function.functionName ?? NONE,
  }
}
