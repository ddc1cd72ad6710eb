import type { Dialect, DialectRoute } from '../../shared/dialect.ts'
import { dialects as everyDialect } from '../../shared/dialects.ts'
import { isRejection, type Rejection, reject } from '../../shared/rejections.ts'
import { entriesOf, matchRoute, type RouteKey, type RouteMatch } from '../../shared/route.ts'
import { type CatchAllRouteKey, ingestRoutes } from '../../shared/routes.ts'
import type { Telemetry } from '../handler.ts'
import { type AnyRequest, complete } from '../http-response.ts'
import { respondWithin } from '../response-timeout.ts'
import { asStore, rejectionOf, storeCall } from '../store-failure.ts'
import { acceptEvents, type IngestDependencies, RESPONSE_TIMEOUT_MS } from './accept-events.ts'
import type { EncodedBody } from './body-bytes.ts'
import type { ClassifiedElements } from './classify-elements.ts'
import { isFromFuture } from './from-future.ts'
import { cacheable, type HttpResponse, preflight, respond } from './response.ts'

/** The part of API Gateway's event (payload format 2.0) that ingest reads. */
export interface IngestRequest extends EncodedBody, AnyRequest {
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | undefined
  readonly requestContext: AnyRequest['requestContext'] & { readonly domainName?: string | undefined }
}

/** Turns a request of one route into a response. */
type RouteHandler = (
  request: IngestRequest,
  matched: RouteMatch<{ readonly path: string }>,
  telemetry: Telemetry,
) => Promise<HttpResponse>

/** Handlers of the routes that belong to no dialect. A route without a handler does not compile. */
export type CatchAllHandlers = Readonly<Record<CatchAllRouteKey, RouteHandler>>

const SETTINGS_CACHE_SECONDS = 300
/** For requests that are accepted but not stored. */
const nothingStored: ClassifiedElements = { events: [], indexes: new Map(), receipts: undefined, quarantined: [] }

/**
 * Responds to a request. The status is 200 only once every event is stored, in the stream or in quarantine. A store that fails or hangs
 * gives 503 and a bug 500, so that the client sends the request again.
 */
export function ingest(dependencies: IngestDependencies, dialects: readonly Dialect[] = everyDialect) {
  const routes = ingestRoutes(dialects)
  const handlers = handlersOf(failingAsStores(dependencies), dialects)
  const handle = async (request: IngestRequest, telemetry: Telemetry): Promise<HttpResponse> => {
    const { rawPath, requestContext } = request
    const matched = matchRoute(routes, requestContext.http.method, rawPath)
    const handler = matched && handlers.get(matched.route.key)
    if (!handler) return finish(reject('not_found'), telemetry)
    try {
      return await respondWithin(RESPONSE_TIMEOUT_MS, handler(request, matched, telemetry))
    } catch (error) {
      return finish(rejectionOf(error, telemetry), telemetry)
    }
  }
  return async (request: IngestRequest, telemetry: Telemetry): Promise<HttpResponse> =>
    complete(request, await handle(request, telemetry))
}

const failingAsStores = (dependencies: IngestDependencies): IngestDependencies => ({
  ...dependencies,
  keys: asStore(dependencies.keys),
  quarantine: asStore(dependencies.quarantine),
  putRecords: storeCall(records => dependencies.putRecords(records)),
})

function handlersOf(dependencies: IngestDependencies, dialects: readonly Dialect[]): ReadonlyMap<RouteKey, RouteHandler> {
  const handlers = new Map<RouteKey, RouteHandler>(entriesOf(catchAllHandlers(dialects)))
  const routes = dialects.flatMap(dialect => entriesOf(dialect.routes).map(([key, route]) => ({ key, route, dialect })))
  for (const [key, [first, ...others]] of Map.groupBy(routes, ({ key }) => key))
    if (first) {
      const sharing = [first.dialect, ...others.map(({ dialect }) => dialect)] as const
      handlers.set(key, dialectHandler(first.route, sharing, dependencies))
    }
  return handlers
}

const catchAllHandlers = (dialects: readonly Dialect[]): CatchAllHandlers => ({
  'OPTIONS /{proxy+}': async ({ headers }) => preflight(headers, dialects),
  'GET /v1/projects/{proxy+}': async (_request, _matched, telemetry) => finish(reject('not_found'), telemetry),
  'ANY /{proxy+}': async (_request, _matched, telemetry) => finish(reject('not_found'), telemetry),
})

/** The handler of a route, by what the route serves. */
function dialectHandler(
  route: DialectRoute,
  dialects: readonly [Dialect, ...Dialect[]],
  dependencies: IngestDependencies,
): RouteHandler {
  switch (route.serves) {
    case 'events':
      return async (request, matched, telemetry) =>
        finish(await acceptEvents({ ...request, matched, dialects }, dependencies, telemetry), telemetry)
    case 'nothing':
      return async (_request, _matched, telemetry) => finish(nothingStored, telemetry)
    case 'settings':
      return async ({ headers, queryStringParameters: query = {}, requestContext }, { parameters }) =>
        cacheable(
          route.settings({ parameters, query, headers, host: ownHost(headers['host'], requestContext.domainName) }),
          SETTINGS_CACHE_SECONDS,
        )
  }
}

/** The host of a request if it is the stage's own name or a local one, else the stage's name: a client may send any Host. */
const ownHost = (host = '', stage = host): string => (/^(127\.0\.0\.1|localhost)(:\d{1,5})?$/.test(host) ? host : stage)

function finish(outcome: ClassifiedElements | Rejection, telemetry: Telemetry): HttpResponse {
  recordOutcome(outcome, telemetry)
  return respond(outcome)
}

function recordOutcome(outcome: ClassifiedElements | Rejection, telemetry: Telemetry): void {
  if (!isRejection(outcome)) {
    telemetry.count('EventsAccepted', outcome.events.length)
    telemetry.count('EventsFromFuture', outcome.events.filter(isFromFuture).length)
    for (const { event } of outcome.quarantined) telemetry.count('EventsQuarantined', 1, event.code)
  } else {
    telemetry.annotate('code', outcome.code)
    telemetry.count(metricOf(outcome), 1)
  }
}

function metricOf({ code }: Rejection) {
  if (code === 'unavailable') return 'RequestsUnavailable'
  return code === 'internal_error' ? 'RequestsFailed' : 'RequestsRefused'
}
