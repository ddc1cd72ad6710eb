import { Stack, Validations } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  type CfnStage,
  HttpApi,
  HttpMethod,
  type HttpRoute,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { Function as AnyFunction } from 'aws-cdk-lib/aws-lambda'
import { FilterPattern, LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Route } from '../shared/route.ts'
import { routes } from '../shared/routes.ts'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import { type ApiAddress, addDomain } from './api-domain.ts'
import type { Archive } from './archive.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings-types.ts'

/** One line for each request, without paths, queries and addresses: they contain user ids and keys. CloudWatch knows the time. */
export const ACCESS_LOG_LINE = JSON.stringify({
  requestId: '$context.requestId',
  route: '$context.routeKey',
  status: '$context.status',
  milliseconds: '$context.responseLatency',
  functionMilliseconds: '$context.integrationLatency',
  error: '$context.error.message',
  functionError: '$context.integrationErrorMessage',
})

export interface ApiProps {
  readonly functions: readonly LambdaFunction[]
  readonly archive: Archive
  readonly settings: Settings
}

/** The HTTP API with the routes of shared/routes.ts. */
export class Api extends Construct implements Monitored {
  /** Without a path and without a trailing slash. */
  readonly url: string
  readonly http: HttpApi
  readonly accessLogs: LogGroup
  /** The stage's own domain, and the name that its DNS record must point to. */
  readonly domain: ApiAddress | undefined
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { functions, archive, settings }: ApiProps) {
    super(scope, 'Api')
    // No corsPreflight: the gateway would answer OPTIONS itself and drop the CORS headers of the functions.
    const http = new HttpApi(this, 'Http', {
      apiName: Stack.of(this).stackName,
      createDefaultStage: false,
      disableExecuteApiEndpoint: settings.api.defaultAddress === 'off',
    })
    this.http = http
    const added = this.addRoutes(http, functions)
    this.accessLogs = new LogGroup(this, 'AccessLogs', { retention: settings.logRetention, removalPolicy: settings.removal })
    const stage = new HttpStage(this, 'Stage', {
      httpApi: http,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: settings.api.rate, burstLimit: settings.api.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLogs),
        format: AccessLogFormat.custom(ACCESS_LOG_LINE),
      },
    })
    ;(stage.node.defaultChild as CfnStage).routeSettings = keylessThrottles(settings.api)
    // A stage that throttles routes which do not exist yet is refused.
    stage.node.addDependency(...added)
    // Firehose reads from its creation on. An event that was accepted earlier would never reach the archive.
    this.node.addDependency(archive.delivery)
    this.domain = addDomain(this, stage, settings.api)
    this.url = this.domain ? `https://${this.domain.name}` : http.apiEndpoint
    const throttles = this.throttles()
    this.alarms = planAlarms(http, throttles)
    this.graphs = planGraphs(http, throttles)
  }

  /** The requests that API Gateway answered with 429, from the access log: it has no metric of them. */
  private throttles(): Metric {
    const filter = new MetricFilter(this, 'Throttles', {
      logGroup: this.accessLogs,
      // A 429 of a function has the time that the function took.
      filterPattern: FilterPattern.all(
        FilterPattern.stringValue('$.status', '=', '429'),
        FilterPattern.stringValue('$.functionMilliseconds', '=', '-'),
      ),
      metricNamespace: Stack.of(this).stackName,
      metricName: 'RequestsThrottled',
      metricValue: '1',
    })
    return filter.metric({ statistic: 'Sum', period })
  }

  private addRoutes(api: HttpApi, functions: readonly LambdaFunction[]): HttpRoute[] {
    // One permission for each function: the policy of a function has room for the permissions of about 40 routes.
    const integrations = new Map(
      functions.map(fn => [fn.service, new HttpLambdaIntegration(fn.service, fn, { scopePermissionToRoute: false })]),
    )
    return routes.flatMap(route => {
      const integration = integrations.get(route.function)
      if (!integration)
        throw new Error(
          `The construct passes no function ${route.function} to the API for ${route.method} ${route.path}; add it in infra/millrace.ts.`,
        )
      const added = api.addRoutes({ path: route.path, methods: methodsOf(route), integration })
      for (const each of added)
        Validations.of(each).acknowledge({
          id: 'AwsSolutions-APIG4',
          reason: 'The functions check keys, so that a failure of the key store is answered with 503, not with 403 or 500.',
        })
      return added
    })
  }
}

/** The throttles of the routes that need no key, by route key. */
const keylessThrottles = ({ keyless }: Settings['api']): Readonly<Record<string, object>> =>
  Object.fromEntries(
    routes
      .filter(({ scope }) => scope === null)
      .flatMap(route => {
        const { rate, burst } = keyless[isForPages(route) ? 'pages' : 'others']
        const throttle = { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst }
        return methodsOf(route).map(method => [`${method} ${route.path}`, throttle])
      }),
  )

/** Preflights, settings of SDKs, and what SDKs send about themselves. */
const isForPages = ({ function: service, method }: Route): boolean => service === 'ingest' && method !== 'ANY'

/** The functions serve HEAD like GET. */
const methodsOf = ({ method }: Pick<Route, 'method'>): HttpMethod[] =>
  method === 'GET' ? [HttpMethod.GET, HttpMethod.HEAD] : [HttpMethod[method]]

const throttledInAccount = () => AnyFunction.metricAllThrottles({ period })

const planAlarms = (http: HttpApi, throttles: Metric): AlarmPlan[] => [
  {
    name: 'api-5xx',
    severity: 'page',
    about:
      'The API answers requests with 5xx: at least 10 in each of two periods of 5 minutes. Senders keep these events and retry.',
    metric: http.metricServerError({ period }),
    atLeast: 10,
    periods: 2,
  },
  {
    name: 'api-throttled',
    severity: 'ticket',
    about:
      'API Gateway answers requests with 429, because they are more than the stage permits: at least 10 in each of two periods of 5 minutes. SDKs retry; other senders may lose events.',
    metric: throttles,
    atLeast: 10,
    periods: 2,
  },
  {
    name: 'functions-throttled',
    severity: 'page',
    about:
      'Lambda throttles functions: the account, or a function with reserved concurrency, has reached its limit. Requests get 5xx, and stream readers may fall behind.',
    metric: throttledInAccount(),
    atLeast: 1,
    periods: 3,
  },
]

const planGraphs = (http: HttpApi, throttles: Metric): Graph[] => [
  {
    title: 'API: requests, errors and throttled requests',
    unit: 'requests',
    metrics: [http.metricCount({ period }), http.metricClientError({ period }), http.metricServerError({ period }), throttles],
  },
  {
    title: 'API: latency',
    unit: 'milliseconds',
    metrics: ['p50', 'p99'].map(statistic => http.metricLatency({ period, statistic, label: statistic })),
  },
  { title: 'Lambda: throttled invocations in the account', unit: 'invocations', metrics: [throttledInAccount()] },
]
