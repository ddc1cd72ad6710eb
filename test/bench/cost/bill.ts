import { GIB, logBytesOf } from '../../../cli/cost/units.ts'
import { addUsage, type PartUsage, type Usage } from '../../../cli/cost/usage.ts'
import { ACCESS_LOG_LINE } from '../../../infra/api.ts'
import type { Settings } from '../../../infra/settings-types.ts'
import type { FunctionName } from '../../../shared/environment.ts'
import type { FunctionMeter } from './metered-function.ts'
import type { Meter } from './metered-table.ts'
import { EVENTS_PER_SECOND } from './mixes.ts'
import type { Pipeline } from './pipeline.ts'
import type { SdkCpu } from './sdk-cpu.ts'

const MILLION = 1e6
/** Memory in MB with which Lambda gives a function a whole core. */
const CORE_MEMORY = 1769
const MB_PER_GB = 1024
/** Parquet with Snappy of an event: an assumption, a hundredth of the price. */
const ARCHIVE_BYTES_PER_EVENT = 110
/** What of a month something is stored that is written all month and kept. */
const HALF_A_MONTH = 0.5
const MONTH_DAYS = 365 / 12

/** A run with the traffic of a whole shard, and a run with few users that have a long history. */
export interface Runs {
  readonly shard: Pipeline
  readonly users: Pipeline
  readonly sdk: SdkCpu
  readonly settings: Settings
}

/** GB-seconds of a function: a smaller memory has a smaller share of a core, so its CPU time takes longer. */
export function computeGbSeconds(memory: number, cpuMs: number, waitMs: number): number {
  const duration = cpuMs * Math.max(1, CORE_MEMORY / memory) + waitMs
  return (duration / 1000) * (memory / MB_PER_GB)
}

/** The bytes of a line of the API's access log. */
const accessLogBytes = (): number =>
  logBytesOf(
    ACCESS_LOG_LINE.replace('$context.requestId', 'Jk3vHhYnoAMEPKw=')
      .replace('$context.routeKey', 'POST /v1/events')
      .replace('$context.status', '200')
      .replace('$context.responseLatency', '21')
      .replace('$context.integrationLatency', '18')
      .replace('$context.error.message', '-')
      .replace('$context.integrationErrorMessage', '-'),
  )

/** Milliseconds of CPU of the SDK for the calls to a table. */
const sdkMs = ({ puts, gets, batches, batchItems }: Meter, sdk: SdkCpu): number =>
  puts * sdk.put + (gets + batches) * sdk.get + Math.max(0, batchItems / 100) * (sdk.batchGet - sdk.get)

/** What a million events of a mix use, by part, without what a stage costs when nothing happens. */
export function billOf(runs: Runs): PartUsage {
  const { shard, users, settings } = runs
  const { wire } = shard
  const perShardEvent = MILLION / shard.events
  const perUserEvent = MILLION / users.events
  return {
    api: { apiRequests: wire.requests * perShardEvent, logGb: (wire.requests * perShardEvent * accessLogBytes()) / GIB },
    ingest: addUsage(lambdaOf('ingest', runs, wire.requests * runs.sdk.putRecords), {
      writeUnits: shard.leases * perShardEvent,
    }),
    stream: streamUsage(wire, perShardEvent, settings),
    state: addUsage(
      lambdaOf('state', runs, sdkOf('state', runs)),
      tableUsage(runs, ['user']),
      scaled(shard.table.meter, perShardEvent),
      storedPages(users, perUserEvent, settings),
      { writeUnits: users.pages.meter.writeUnits * perUserEvent, readUnits: users.pages.meter.readUnits * perUserEvent },
    ),
    windows: addUsage(
      lambdaOf('windows', runs, sdkOf('windows', runs)),
      tableUsage(runs, ['window']),
      storedWindows(users, perUserEvent),
    ),
    search: addUsage(lambdaOf('index-documents', runs, 0), lambdaOf('index-events', runs, 0)),
    archive: {
      firehoseGb: (wire.firehoseBytes * perShardEvent) / GIB,
      conversionGb: (wire.firehoseBytes * perShardEvent) / GIB,
      s3Puts: archiveObjects(wire.bytes / shard.events, settings),
      s3GbMonths: ((ARCHIVE_BYTES_PER_EVENT * MILLION) / GIB) * HALF_A_MONTH,
    },
  }
}

/** Units of what a function does once for each batch. */
const scaled = ({ batchWriteUnits, batchReadUnits }: Meter, factor: number): Usage => ({
  writeUnits: batchWriteUnits * factor,
  readUnits: batchReadUnits * factor,
})

/** The objects that Firehose writes for a million events: a buffer is written when it is full, or when its time is over. */
function archiveObjects(bytesPerEvent: number, { archive: { bufferInterval, bufferSize } }: Settings): number {
  const seconds = Math.min(bufferInterval.toSeconds(), bufferSize.toBytes() / (bytesPerEvent * EVENTS_PER_SECOND))
  return MILLION / EVENTS_PER_SECOND / seconds
}

function streamUsage({ putUnits, onDemandBytes }: Pipeline['wire'], factor: number, { stream }: Settings): Usage {
  if (stream.shards !== 'on-demand') return { putUnits: putUnits * factor }
  const gb = (onDemandBytes * factor) / GIB
  return {
    onDemandInGb: gb,
    onDemandOutGb: 3 * gb,
    onDemandRetentionGbMonths: (gb * (stream.retention.toDays() - 1)) / MONTH_DAYS,
  }
}

function lambdaOf(name: keyof Pipeline['meters'] & FunctionName, { shard, settings }: Runs, sdkCpuMs: number): Usage {
  const meter: FunctionMeter = shard.meters[name]
  const factor = MILLION / shard.events
  const { memory } = settings.functions[name]
  return {
    invocations: meter.invocations * factor,
    computeGbSeconds: computeGbSeconds(memory, meter.cpuMs + sdkCpuMs, meter.waitMs) * factor,
    logGb: (meter.logBytes * factor) / GIB,
  }
}

/** Milliseconds of the SDK in the run of a shard: state reads and writes user items and pages, windows the windows. */
function sdkOf(name: 'state' | 'windows', { shard, sdk }: Runs): number {
  const windows = shard.table.meter.kinds.get('window')?.puts ?? 0
  if (name === 'windows') return windows * (sdk.put + sdk.get)
  const { table, pages } = shard
  return (
    sdkMs({ ...table.meter, puts: table.meter.puts - windows, gets: table.meter.gets - windows }, sdk) + sdkMs(pages.meter, sdk)
  )
}

/** Write units of these kinds of items, and the reads before them. */
function tableUsage({ users }: Runs, kinds: readonly string[]): Usage {
  const factor = MILLION / users.events
  const noted = kinds.flatMap(kind => users.table.meter.kinds.get(kind) ?? [])
  const writeUnits = noted.reduce((sum, { units }) => sum + units, 0) * factor
  const readUnits = noted.reduce((sum, { readUnits }) => sum + readUnits, 0) * factor
  return { writeUnits, readUnits }
}

/** Pages are kept until their identities are forgotten and the streams have no older record. */
function storedPages({ pages }: Pipeline, factor: number, { state, stream }: Settings): Usage {
  const days = state.identities.memory.toDays() + stream.retention.toDays() + 2
  const gbMonths = (((pages.bytesPut * factor) / GIB) * days) / MONTH_DAYS
  return { tableGbMonths: gbMonths, tableBackupGbMonths: gbMonths }
}

/** Windows are kept: what a month writes is stored for half of it. */
function storedWindows({ table }: Pipeline, factor: number): Usage {
  const gbMonths = ((table.windowBytes * factor) / GIB) * HALF_A_MONTH
  return { tableGbMonths: gbMonths, tableBackupGbMonths: gbMonths }
}

/**
 * What no design saves at these batches and requests: the requests, the bytes of the events, and one write unit for each user and for
 * each window that a batch changes.
 */
export function floorOf({ shard, users }: Runs): Usage {
  const { wire } = shard
  const factor = MILLION / shard.events
  const puts = ['user', 'window'].reduce((sum, kind) => sum + (users.table.meter.kinds.get(kind)?.puts ?? 0), 0)
  const gb = (wire.bytes * factor) / GIB
  return {
    apiRequests: wire.requests * factor,
    invocations: wire.requests * factor,
    putUnits: Math.ceil(wire.bytes / (25 * 1024)) * factor,
    firehoseGb: gb,
    conversionGb: gb,
    writeUnits: (puts * MILLION) / users.events,
  }
}
