import { eventTypes } from '../../shared/catalogue.ts'
import type { Body, DecodedElement, Dialect, DialectRequest } from '../../shared/dialect.ts'
import type { Headers } from '../../shared/http.ts'
import { originProblem } from '../../shared/key-rights.ts'
import { allows, IN_URL, isInQuery, type Key, type KeyStore, mayBeInUrl, presentedKey } from '../../shared/keys.ts'
import type { Quarantine } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import type { RouteMatch } from '../../shared/route.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import { StoreFailure } from '../store-failure.ts'
import { bodyReader } from './body.ts'
import type { EncodedBody } from './body-bytes.ts'
import { type ClassifiedElements, classifyElements } from './classify-elements.ts'
import type { KeyQuotas } from './key-quotas.ts'
import { type PutOutcome, packRecords, rangesByShard, type StreamPosition, type StreamRecord } from './plan-records.ts'
import type { Amount } from './quota-amount.ts'
import { withoutRefused } from './refused-records.ts'
import { keyInBody } from './scan-key.ts'

export interface IngestDependencies {
  readonly keys: KeyStore
  readonly quarantine: Quarantine
  /** Stores all records that the stream accepts, each user's in order. Throws if it could not store one now. */
  putRecords(records: readonly StreamRecord[]): Promise<PutOutcome>
  /** Whether the key with this name may send one more request now. */
  withinRateLimit(keyName: string): boolean
  readonly quotas: KeyQuotas
  /** Whether `user_traits` from a client key need the user's signature. */
  readonly signedTraits: boolean
  /** Milliseconds since 1970. */
  now(): number
  newId(): string
}

/** A request of a route that accepts events. */
export interface EventsRequest extends EncodedBody {
  readonly headers: Headers
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | undefined
  readonly matched: RouteMatch<{ readonly path: string }>
  /** The dialects with this route, in the order of the catalogue. */
  readonly dialects: readonly [Dialect, ...Dialect[]]
}

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
/** Shorter than the time-out of the function, and longer than the calls of Kinesis for one request take together. */
export const RESPONSE_TIMEOUT_MS = 22_000
/** A request may write to every shard; the log line names only the first ones, to stay short. */
const MAX_SHARDS_LOGGED = 3

/** Stores every event of a request, in the stream or in quarantine. Throws if a store fails. */
export async function acceptEvents(
  request: EventsRequest,
  dependencies: IngestDependencies,
  telemetry: Telemetry,
): Promise<ClassifiedElements | Rejection> {
  const until = dependencies.now() + RESPONSE_TIMEOUT_MS
  // A key is checked before the body is parsed, so that a request without one costs little.
  const first = firstKey(request)
  if (typeof first !== 'string') return first
  const key = await admit(first, request, dependencies, telemetry)
  if (isRejection(key)) return key
  const { dialect, dialectRequest } = chooseDialect(request)
  const body = dialect.read(dialectRequest)
  if (isRejection(body)) return body
  const presented = presentedKey({ ...credentialsOf(request), bodyKeys: body.writeKeys })
  if (typeof presented !== 'string') return presented
  const admitted = presented === first ? key : await admit(presented, request, dependencies, telemetry)
  if (isRejection(admitted)) return admitted
  const decoded = dialect.decode(body, dialectRequest, admitted.name)
  if (isRejection(decoded)) return decoded
  const limited = await dependencies.quotas.take(admitted, amountOf(decoded, dialectRequest), telemetry)
  if (limited) return limited
  const elements = withEncodingProblems(decoded, body)
  for (const { ignoredTimes = 0 } of decoded) if (ignoredTimes > 0) telemetry.count('TimesIgnored', ignoredTimes)
  const sender = { ...admitted, signedTraits: dependencies.signedTraits }
  const arrival = { eventTypes: catalogue, sender, received: dependencies.now(), defaultId: dependencies.newId }
  const classified = classifyElements(elements, arrival, dialectRequest.parameters['type'])
  if (dependencies.now() >= until) throw tooLate()
  return { ...(await store(classified, dependencies, telemetry)), hints: dialect.hints?.(body) }
}

/**
 * The response was a 503, and the sender has sent the request again. Lambda may have stopped the environment in between for longer than
 * events are remembered, so storing them now could count them twice.
 */
const tooLate = (): StoreFailure => new StoreFailure(new SafeError('The key or its quota was known only after the response.'))

/** The first dialect of the route gets what no other claims. */
function chooseDialect({ matched: { route, parameters }, headers, dialects, ...encoded }: EventsRequest) {
  const body = bodyReader(encoded, headers)
  const dialectRequest = { route: route.path, parameters, headers, body, eventTypes: catalogue }
  const [first, ...others] = dialects
  return { dialect: others.find(other => other.claims?.(dialectRequest)) ?? first, dialectRequest }
}

/** An element that is not UTF-8 is no event, whatever its dialect made of the text. */
function withEncodingProblems(decoded: readonly DecodedElement[], { elements }: Body): readonly DecodedElement[] {
  const problems = new Map(elements.flatMap(({ index, encodingProblem }) => (encodingProblem ? [[index, encodingProblem]] : [])))
  return problems.size === 0 ? decoded : decoded.map(element => ({ ...element, encodingProblem: problems.get(element.index) }))
}

const credentialsOf = ({ headers, queryStringParameters }: EventsRequest) => ({ headers, query: queryStringParameters })

/** The key in the headers or the query, or else the first one in the body. */
function firstKey(request: EventsRequest): string | Rejection {
  const presented = presentedKey(credentialsOf(request))
  if (typeof presented === 'string' || presented.code !== 'key_missing') return presented
  return keyInBody(request, request.headers['content-encoding'])
}

async function admit(
  presented: string,
  { headers, queryStringParameters }: EventsRequest,
  { keys, withinRateLimit, quotas }: IngestDependencies,
  telemetry: Telemetry,
): Promise<Key | Rejection> {
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  if (!mayBeInUrl(key.scope) && isInQuery(presented, queryStringParameters)) return reject('key_scope', IN_URL)
  if (!allows(key.scope, 'write')) return reject('key_scope')
  annotateKey(key, telemetry)
  return originProblem(key, headers) ?? quotas.spent(key, telemetry) ?? (withinRateLimit(key.name) ? key : reject('rate_limited'))
}

/** What a request takes from the quota of its key: at least one event. */
function amountOf(elements: readonly DecodedElement[], { body }: DialectRequest): Amount {
  const bytes = body.bytes()
  return { events: Math.max(1, elements.length), bytes: isRejection(bytes) ? 0 : bytes.length }
}

/** Names the key in the log line, so that its requests can be found and its events counted. */
function annotateKey({ name, id }: Key, telemetry: Telemetry): void {
  telemetry.annotate('key', name)
  telemetry.annotate('keyId', id)
}

/** Returns what is stored where: the events of records that the stream refuses are quarantined, too. */
async function store(
  classified: ClassifiedElements,
  { putRecords, quarantine }: IngestDependencies,
  telemetry: Telemetry,
): Promise<ClassifiedElements> {
  const records = packRecords(classified.events, catalogue)
  const [{ positions, refused }] = await Promise.all([
    putRecords(records),
    quarantine.add(classified.quarantined.map(({ event }) => event)),
  ])
  annotatePositions(positions, telemetry)
  if (refused.length === 0) return classified
  const outcome = withoutRefused(classified, records, refused, catalogue)
  await quarantine.add(outcome.refused.map(({ event }) => event))
  return outcome.classified
}

/** Logs where the records are stored, so that the log lines of the stream's readers can be matched with this request. */
function annotatePositions(positions: readonly StreamPosition[], telemetry: Telemetry): void {
  if (positions.length === 0) return
  const ranges = rangesByShard(positions)
  telemetry.annotate('records', positions.length)
  telemetry.annotate('stored', ranges.slice(0, MAX_SHARDS_LOGGED))
  if (ranges.length > MAX_SHARDS_LOGGED) telemetry.annotate('otherShards', ranges.length - MAX_SHARDS_LOGGED)
}
