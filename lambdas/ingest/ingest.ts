import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventTypes } from '../../shared/catalogue.ts'
import { allows, type Key, type KeyStore, presentedKey } from '../../shared/keys.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { paths } from '../../shared/routes.ts'
import type { Telemetry } from '../handler.ts'
import { decoderFor } from './body-decoders.ts'
import { type ClassifiedElements, classifyElements } from './classify-elements.ts'
import { packRecords, rangesByShard, type StreamPosition, type StreamRecord } from './plan-records.ts'
import { cacheable, type HttpResponse, preflight, respond } from './response.ts'
import { sdkSettings } from './sdk-settings.ts'

export interface IngestDependencies {
  readonly keys: KeyStore
  readonly quarantine: Quarantine
  /** Stores every record, each user's in their order, and returns where; throws when one could not be stored. */
  putRecords(records: readonly StreamRecord[]): Promise<readonly StreamPosition[]>
  /** Whether one more request with the key of this name is let through now. */
  withinRateLimit(keyName: string): boolean
  /** Milliseconds since 1970. */
  now(): number
  newId(): string
}

type IngestRequest = Pick<
  APIGatewayProxyEventV2,
  'rawPath' | 'headers' | 'queryStringParameters' | 'body' | 'isBase64Encoded' | 'requestContext'
>

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
/** Shards that a log line names; a request may fill all of them. */
const MAX_SHARDS_LOGGED = 3

/** Answers requests: with 200 only once every event is in the stream or in quarantine. */
export const ingest =
  (dependencies: IngestDependencies) =>
  async (request: IngestRequest, telemetry: Telemetry): Promise<HttpResponse> => {
    const { headers, rawPath, queryStringParameters } = request
    const { method } = request.requestContext.http
    const path = rawPath.length > 1 && rawPath.endsWith('/') ? rawPath.slice(0, -1) : rawPath
    if (method === 'OPTIONS') return preflight(headers)
    const settings = method === 'GET' ? sdkSettings(path, headers, queryStringParameters) : undefined
    if (settings) return cacheable(settings.body, settings.seconds, headers)
    const outcome = await (method === 'POST' ? acceptRequest(path, request, dependencies, telemetry) : notFound()).catch(
      (error: Error): Rejection => {
        telemetry.annotate('unavailable', error.name)
        return reject('unavailable')
      },
    )
    recordOutcome(outcome, telemetry)
    return respond(outcome, headers)
  }

const notFound = async (): Promise<Rejection> => reject('not_found')

/** What SDKs tell of themselves is not kept. */
const nothingStored: ClassifiedElements = { events: [], receipts: undefined, quarantined: [] }

async function acceptRequest(
  path: string,
  request: IngestRequest,
  dependencies: IngestDependencies,
  telemetry: Telemetry,
): Promise<ClassifiedElements | Rejection> {
  if (path === paths.metrics) return nothingStored
  const decode = decoderFor(path, catalogue)
  if (!decode) return reject('not_found')
  // A bad key costs no look at the body; a body may carry the only key.
  const credentials = { headers: request.headers, query: request.queryStringParameters }
  const outside = presentedKey(credentials)
  if (isRejected(outside) && outside.code !== 'key_missing') return outside
  const admitted = isRejected(outside) ? undefined : await admit(outside, dependencies)
  if (admitted && isRejection(admitted)) return admitted
  const reading = decode(request)
  if (isRejection(reading)) return reading
  const presented = presentedKey({ ...credentials, bodyKeys: reading.keys })
  if (isRejected(presented)) return presented
  const key = admitted ?? (await admit(presented, dependencies))
  if (isRejection(key)) return key
  const arrival = { eventTypes: catalogue, keyName: key.name, received: dependencies.now(), defaultId: dependencies.newId }
  const spoken = reading.dialect(reading.body, arrival)
  if (isRejection(spoken)) return spoken
  const classified = classifyElements(spoken, arrival)
  annotatePositions(await store(classified, dependencies), telemetry)
  return classified
}

const isRejected = (value: string | Rejection): value is Rejection => typeof value !== 'string'

async function admit(presented: string, { keys, withinRateLimit }: IngestDependencies): Promise<Key | Rejection> {
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  if (!allows(key.scope, 'write')) return reject('key_scope')
  return withinRateLimit(key.name) ? key : reject('rate_limited')
}

/** Returns where the records of the accepted events stand. */
async function store(
  { events, quarantined }: ClassifiedElements,
  dependencies: IngestDependencies,
): Promise<readonly StreamPosition[]> {
  const [places] = await Promise.all([
    dependencies.putRecords(packRecords(events, catalogue)),
    dependencies.quarantine.add(quarantined.map(({ event: kept }) => kept)),
  ])
  return places
}

/** With these the request's records are found in the lines of the stream's readers. */
function annotatePositions(places: readonly StreamPosition[], telemetry: Telemetry): void {
  if (places.length === 0) return
  const spans = rangesByShard(places)
  telemetry.annotate('records', places.length)
  telemetry.annotate('stored', spans.slice(0, MAX_SHARDS_LOGGED))
  if (spans.length > MAX_SHARDS_LOGGED) telemetry.annotate('otherShards', spans.length - MAX_SHARDS_LOGGED)
}

function recordOutcome(outcome: ClassifiedElements | Rejection, telemetry: Telemetry): void {
  if (!isRejection(outcome)) {
    telemetry.count('EventsAccepted', outcome.events.length)
    for (const { event: kept } of outcome.quarantined) telemetry.count('EventsQuarantined', 1, kept.code)
  } else {
    telemetry.annotate('code', outcome.code)
    telemetry.count(outcome.code === 'unavailable' ? 'RequestsUnavailable' : 'RequestsRefused', 1)
  }
}
