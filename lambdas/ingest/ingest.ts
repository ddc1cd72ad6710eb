import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventTypes } from '../../shared/catalogue.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { paths } from '../../shared/routes.ts'
import type { Told } from '../handler.ts'
import { allows, type Key, type KeyStore, presentedKey } from '../keys/dynamodb.ts'
import type { Quarantine } from '../quarantine/dynamodb.ts'
import { type Answer, answer, cacheable, preflight } from './answer.ts'
import { type Sorted, sortElements } from './plan-events.ts'
import { type Place, packRecords, type StreamRecord, spansOf } from './plan-records.ts'
import { readerOf } from './readers.ts'
import { sdkSettings } from './sdk-settings.ts'

export interface World {
  readonly keys: KeyStore
  readonly quarantine: Quarantine
  /** Stores every record, each user's in their order, and returns where; throws when one could not be stored. */
  putRecords(records: readonly StreamRecord[]): Promise<readonly Place[]>
  /** Whether one more request with the key of this name is let through now. */
  passes(keyName: string): boolean
  /** Milliseconds since 1970. */
  now(): number
  newId(): string
}

type Request = Pick<
  APIGatewayProxyEventV2,
  'rawPath' | 'headers' | 'queryStringParameters' | 'body' | 'isBase64Encoded' | 'requestContext'
>

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
/** Shards that a log line names; a request may fill all of them. */
const SHARDS_TOLD = 3

/** Answers requests: with 200 only once every event is in the stream or in quarantine. */
export const ingest =
  (world: World) =>
  async (request: Request, told: Told): Promise<Answer> => {
    const { headers, rawPath, queryStringParameters } = request
    const { method } = request.requestContext.http
    const path = rawPath.length > 1 && rawPath.endsWith('/') ? rawPath.slice(0, -1) : rawPath
    if (method === 'OPTIONS') return preflight(headers)
    const settings = method === 'GET' ? sdkSettings(path, headers, queryStringParameters) : undefined
    if (settings) return cacheable(settings.body, settings.seconds, headers)
    const outcome = await (method === 'POST' ? take(path, request, world, told) : notFound()).catch((error: Error): Rejection => {
      told.note('unavailable', error.name)
      return reject('unavailable')
    })
    tell(outcome, told)
    return answer(outcome, headers)
  }

const notFound = async (): Promise<Rejection> => reject('not_found')

/** What SDKs tell of themselves is not kept. */
const nothing: Sorted = { events: [], receipts: undefined, refusals: [] }

async function take(path: string, request: Request, world: World, told: Told): Promise<Sorted | Rejection> {
  if (path === paths.metrics) return nothing
  const reader = readerOf(path, catalogue)
  if (!reader) return reject('not_found')
  // A bad key costs no look at the body; a body may carry the only key.
  const credentials = { headers: request.headers, query: request.queryStringParameters }
  const outside = presentedKey(credentials)
  if (isRejected(outside) && outside.code !== 'key_missing') return outside
  const admitted = isRejected(outside) ? undefined : await admit(outside, world)
  if (admitted && isRejection(admitted)) return admitted
  const reading = reader(request)
  if (isRejection(reading)) return reading
  const presented = presentedKey({ ...credentials, bodyKeys: reading.keys })
  if (isRejected(presented)) return presented
  const key = admitted ?? (await admit(presented, world))
  if (isRejection(key)) return key
  const arrival = { eventTypes: catalogue, keyName: key.name, received: world.now(), defaultId: world.newId }
  const spoken = reading.dialect(reading.body, arrival)
  if (isRejection(spoken)) return spoken
  const sorted = sortElements(spoken, arrival)
  tellPlaces(await store(sorted, world), told)
  return sorted
}

const isRejected = (value: string | Rejection): value is Rejection => typeof value !== 'string'

async function admit(presented: string, { keys, passes }: World): Promise<Key | Rejection> {
  const key = await keys.find(presented)
  if (!key) return reject('key_unknown')
  if (!allows(key.scope, 'write')) return reject('key_scope')
  return passes(key.name) ? key : reject('rate_limited')
}

/** Returns where the records of the accepted events stand. */
async function store({ events, refusals }: Sorted, world: World): Promise<readonly Place[]> {
  const [places] = await Promise.all([
    world.putRecords(packRecords(events, catalogue)),
    world.quarantine.keep(refusals.map(({ kept }) => kept)),
  ])
  return places
}

/** With these the request's records are found in the lines of the stream's readers. */
function tellPlaces(places: readonly Place[], told: Told): void {
  if (places.length === 0) return
  const spans = spansOf(places)
  told.note('records', places.length)
  told.note('stored', spans.slice(0, SHARDS_TOLD))
  if (spans.length > SHARDS_TOLD) told.note('otherShards', spans.length - SHARDS_TOLD)
}

function tell(outcome: Sorted | Rejection, told: Told): void {
  if (!isRejection(outcome)) {
    told.count('EventsAccepted', outcome.events.length)
    for (const { kept } of outcome.refusals) told.count('EventsQuarantined', 1, kept.code)
  } else {
    told.note('code', outcome.code)
    told.count(outcome.code === 'unavailable' ? 'RequestsUnavailable' : 'RequestsRefused', 1)
  }
}
