import { CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { NONE } from '../shared/environment.ts'
import type { EventType } from '../shared/event-type.ts'

import { type StackOutputs, stackName } from '../shared/outputs.ts'
import { Alarms } from './alarm-topic.ts'
import { Api } from './api.ts'
import { Archive } from './archive.ts'
import { costs } from './costs.ts'
import { dashboard } from './dashboard.ts'
import { Failures } from './failures.ts'
import { Ingest } from './ingest.ts'
import { Keys } from './keys.ts'
import { Quarantine } from './quarantine.ts'
import { Query } from './query.ts'
import { Reindex } from './reindex.ts'
import { Replay } from './replay.ts'
import { Reports } from './reports.ts'
import { Search } from './search.ts'
import type { Settings } from './settings.ts'
import { State } from './state.ts'
import { AccessLogs } from './stores.ts'
import { EventStream } from './stream.ts'
import { Windows } from './windows.ts'

export interface MillraceProps {
  readonly stage: string
  readonly settings: Settings
  /** The catalogue: the archive's columns derive from it. */
  readonly eventTypes: readonly EventType[]
}

/** The map: the parts in the order events flow through them, and who may touch whose store. */
export class MillraceStack extends Stack {
  constructor(scope: Construct, { stage, settings, eventTypes }: MillraceProps) {
    super(scope, stackName(stage), { terminationProtection: settings.removal === RemovalPolicy.RETAIN })

    const accessLogs = new AccessLogs(this, settings)
    const keys = new Keys(this, settings)
    const stream = new EventStream(this, settings)
    const quarantine = new Quarantine(this, { settings, accessLogs })

    const ingest = new Ingest(this, { keys, stream, quarantine, settings })
    const state = new State(this, { stream, quarantine, settings })
    const windows = new Windows(this, { state, quarantine, settings })
    const search =
      settings.search === 'off' ? undefined : new Search(this, { search: settings.search, stream, state, quarantine, settings })
    const archive = new Archive(this, { stage, stream, eventTypes, accessLogs, settings })
    const failures = new Failures(this, { archive, quarantine, search, settings })
    const replay = new Replay(this, { stream, quarantine, search, settings })
    const reindex = search && new Reindex(this, { state, search, quarantine, settings })
    const reports = new Reports(this, { archive, settings })
    const query = new Query(this, { keys, stream, state, search, archive, reports, quarantine, settings })
    const api = new Api(this, { functions: [ingest.function, query.function], archive, settings })

    keys.allowFind(ingest.function, query.function)
    stream.allowPut(ingest.function, replay.function)
    stream.allowDescribe(query.function)
    quarantine.allowAdd(ingest.function, state.function, windows.function)
    quarantine.allowReplay(replay.function)
    quarantine.allowCollect(failures.function)
    archive.allowCollectErrors(failures.function)
    state.allowFold(state.function)
    state.allowDerive(windows.function)
    state.allowRead(query.function)
    archive.allowReadEvents(reports.function)
    archive.allowPublish(reports.function)
    archive.allowReadReports(query.function)
    reports.allowRun(reports.function)
    reports.allowRead(query.function)
    quarantine.allowList(query.function)
    query.allowReadMetrics()
    if (search && reindex) {
      quarantine.allowAdd(search.documents, search.events, reindex.function)
      state.allowRead(search.documents)
      state.allowScan(reindex.function)
      search.allowWrite(search.documents, search.events, search.setUp, reindex.function)
      search.allowWriteDocuments(replay.function)
      search.allowDelete(search.setUp)
      search.allowSearch(query.function)
    }

    const functions = [
      ...[ingest, state, windows, failures, replay, reports, query].map(part => part.function),
      ...(search && reindex ? [search.documents, search.events, search.setUp, reindex.function] : []),
    ]
    const flow = [api, ingest, stream, state, windows, ...(search ? [search] : []), archive, reports, query]
    const mending = [quarantine, failures, replay, ...(reindex ? [reindex] : [])]
    const watched = [...flow, ...mending, costs({ api, functions, stream, state, archive, quarantine, settings })]
    const { alarms } = new Alarms(this, watched, { stage, settings })
    dashboard(this, watched, { stage, alarms })

    this.output({
      ApiUrl: api.url,
      StreamName: stream.stream.streamName,
      StateTable: state.table.tableName,
      KeysTable: keys.table.tableName,
      QuarantineTable: quarantine.table.tableName,
      QuarantineBucket: quarantine.bucket.bucketName,
      ReportsTable: reports.table.tableName,
      ArchiveBucket: archive.bucket.bucketName,
      DeliveryStream: archive.delivery.deliveryStreamName,
      OpenSearchUrl: search?.url ?? NONE,
      RawEventTypes: search?.rawEvents.RAW_EVENT_TYPES ?? NONE,
      LogGroups: functions.map(fn => `${fn.service}=${fn.logGroup.logGroupName}`).join(),
      RawEventDays: search?.rawEvents.RAW_EVENT_DAYS ?? NONE,
      ReportsFunction: reports.function.functionName,
      SetUpFunction: search?.setUp.functionName ?? NONE,
      ReplayFunction: replay.function.functionName,
      CollectFailuresFunction: failures.function.functionName,
      ReindexFunction: reindex?.function.functionName ?? NONE,
    })
  }

  private output(outputs: StackOutputs): void {
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value })
  }
}
