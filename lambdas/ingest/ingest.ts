import { eventTypes } from '../../shared/catalogue.ts'
import { allows, type Key, type KeyStore, presentedKey } from '../../shared/keys.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { paths } from '../../shared/routes.ts'
import type { Telemetry } from '../handler.ts'
import { decoderFor, type HttpRequest } from './body-decoders.ts'
import { type ClassifiedElements, classifyElements } from './classify-elements.ts'
import { packRecords, rangesByShard, type StreamPosition, type StreamRecord } from './plan-records.ts'
import { cacheable, type HttpResponse, preflight, respond } from './response.ts'
import { sdkSettings } from './sdk-settings.ts'

export interface IngestDependencies {
  readonly keys: KeyStore
  readonly quarantine: Quarantine
  /** Stores all records, each user's in order, and returns their positions. Throws if one could not be stored. */
  putRecords(records: readonly StreamRecord[]): Promise<readonly StreamPosition[]>
  /** Whether the key with this name may send one more request now. */
  withinRateLimit(keyName: string): boolean
  /** Milliseconds since 1970. */
  now(): number
  newId(): string
}

/** The part of API Gateway's event (payload format 2.0) that ingest reads. */
export interface IngestRequest extends HttpRequest {
  readonly rawPath: string
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | undefined
  readonly requestContext: { readonly http: { readonly method: string } }
}

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
/** A request may write to every shard; the log line names only the first ones, to stay short. */
const MAX_SHARDS_LOGGED = 3

/** Responds to a request. The status is 200 only once every event is stored, in the stream or in quarantine. */
export const ingest =
  (dependencies: IngestDependencies) =>
  async (request: IngestRequest, telemetry: Telemetry): Promise<HttpResponse> => {
    const { headers, rawPath, queryStringParameters } = request
    const { method } = request.requestContext.http
    const path = rawPath.length > 1 && rawPath.endsWith('/') ? rawPath.slice(0, -1) : rawPath
    if (method === 'OPTIONS') return preflight(headers)
    const settings = method === 'GET' ? sdkSettings(path, headers, queryStringParameters) : undefined
    if (settings) return cacheable(settings.body, settings.seconds, headers)
    const outcome = method === 'POST' ? await acceptOrUnavailable(path, request, dependencies, telemetry) : reject('not_found')
    recordOutcome(outcome, telemetry)
    return respond(outcome, headers)
  }

/** Turns a failed store into a 503, so that the client sends the request again. */
async function acceptOrUnavailable(
  path: string,
  request: IngestRequest,
  dependencies: IngestDependencies,
  telemetry: Telemetry,
): Promise<ClassifiedElements | Rejection> {
  try {
    return await acceptRequest(path, request, dependencies, telemetry)
  } catch (error) {
    telemetry.annotate('unavailable', (error as Error).name)
    return reject('unavailable')
  }
}

/** For an SDK's metrics about itself, which are not stored. */
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
  // A key outside the body is checked first, so that a request with a bad key costs no decoding.
  const key = await keyOutsideBody(request, dependencies)
  if (key && isRejection(key)) return key
  const decoded = decode(request)
  if (isRejection(decoded)) return decoded
  const presented = presentedKey({ ...credentialsOf(request), bodyKeys: decoded.keys })
  if (typeof presented !== 'string') return presented
  const admitted = key ?? (await admit(presented, dependencies))
  if (isRejection(admitted)) return admitted
  const arrival = { eventTypes: catalogue, keyName: admitted.name, received: dependencies.now(), defaultId: dependencies.newId }
  const elements = decoded.dialect(decoded.body, arrival)
  if (isRejection(elements)) return elements
  const classified = classifyElements(elements, arrival)
  annotatePositions(await store(classified, dependencies), telemetry)
  return classified
}

const credentialsOf = ({ headers, queryStringParameters }: IngestRequest) => ({ headers, query: queryStringParameters })

/** The key in the headers or the query. Undefined if there is none: the body may contain one. */
async function keyOutsideBody(request: IngestRequest, dependencies: IngestDependencies): Promise<Key | Rejection | undefined> {
  const presented = presentedKey(credentialsOf(request))
  if (typeof presented === 'string') return admit(presented, dependencies)
  return presented.code === 'key_missing' ? undefined : presented
}

async function admit(presented: string, { keys, withinRateLimit }: IngestDependencies): Promise<Key | Rejection> {
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  if (!allows(key.scope, 'write')) return reject('key_scope')
  return withinRateLimit(key.name) ? key : reject('rate_limited')
}

/** Returns the positions of the accepted events' records. */
async function store(
  { events, quarantined }: ClassifiedElements,
  dependencies: IngestDependencies,
): Promise<readonly StreamPosition[]> {
  const [positions] = await Promise.all([
    dependencies.putRecords(packRecords(events, catalogue)),
    dependencies.quarantine.add(quarantined.map(({ event }) => event)),
  ])
  return positions
}

/** Logs where the records are stored, so that the log lines of the stream's readers can be matched with this request. */
function annotatePositions(positions: readonly StreamPosition[], telemetry: Telemetry): void {
  if (positions.length === 0) return
  const ranges = rangesByShard(positions)
  telemetry.annotate('records', positions.length)
  telemetry.annotate('stored', ranges.slice(0, MAX_SHARDS_LOGGED))
  if (ranges.length > MAX_SHARDS_LOGGED) telemetry.annotate('otherShards', ranges.length - MAX_SHARDS_LOGGED)
}

function recordOutcome(outcome: ClassifiedElements | Rejection, telemetry: Telemetry): void {
  if (!isRejection(outcome)) {
    telemetry.count('EventsAccepted', outcome.events.length)
    for (const { event } of outcome.quarantined) telemetry.count('EventsQuarantined', 1, event.code)
  } else {
    telemetry.annotate('code', outcome.code)
    telemetry.count(outcome.code === 'unavailable' ? 'RequestsUnavailable' : 'RequestsRefused', 1)
  }
}
