import { Stack, Validations } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Function as AnyFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { routes } from '../shared/routes.ts'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import type { Archive } from './archive.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { Settings } from './settings.ts'

/** One line a request. Without paths, queries and addresses: they carry users and keys. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    requestId: '$context.requestId',
    time: '$context.requestTimeEpoch',
    route: '$context.routeKey',
    status: '$context.status',
    bytes: '$context.responseLength',
    milliseconds: '$context.responseLatency',
    functionMilliseconds: '$context.integrationLatency',
    error: '$context.error.message',
    functionError: '$context.integrationErrorMessage',
  }),
)

export interface ApiProps {
  readonly functions: readonly LambdaFunction[]
  readonly archive: Archive
  readonly settings: Settings
}

/** The HTTP API with the routes of shared/routes.ts. */
export class Api extends Construct implements Monitored {
  /** Without a path and a slash at its end. */
  readonly url: string
  readonly http: HttpApi
  readonly accessLogs: LogGroup
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]

  constructor(scope: Construct, { functions, archive, settings }: ApiProps) {
    super(scope, 'Api')
    // No corsPreflight: the gateway would answer OPTIONS itself and drop the functions' own CORS headers.
    const http = new HttpApi(this, 'Http', { apiName: Stack.of(this).stackName, createDefaultStage: false })
    this.http = http
    this.addRoutes(http, functions)
    this.accessLogs = new LogGroup(this, 'AccessLogs', { retention: settings.logRetention, removalPolicy: settings.removal })
    new HttpStage(this, 'Stage', {
      httpApi: http,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: settings.api.rate, burstLimit: settings.api.burst },
      accessLogSettings: { destination: new LogGroupLogDestination(this.accessLogs), format: accessLogFormat },
    })
    // Firehose reads from the moment it exists: an event accepted before would never reach the archive.
    this.node.addDependency(archive.delivery)
    this.url = http.apiEndpoint
    const throttled = AnyFunction.metricAllThrottles({ period })
    const failed = http.metricServerError({ period })
    this.alarms = [
      {
        name: 'api-5xx',
        about: 'Requests are answered with 5xx; senders keep their events.',
        metric: failed,
        atLeast: 10,
        periods: 2,
      },
      {
        name: 'functions-throttled',
        about: 'The account runs as many functions at once as it may.',
        metric: throttled,
        atLeast: 1,
        periods: 3,
      },
    ]
    this.graphs = [
      {
        title: 'How many requests come, and how many fail?',
        unit: 'requests',
        metrics: [http.metricCount({ period }), http.metricClientError({ period }), failed],
      },
      {
        title: 'How long do answers take?',
        unit: 'milliseconds',
        metrics: ['p50', 'p99'].map(statistic => http.metricLatency({ period, statistic, label: statistic })),
      },
      { title: 'Is Lambda short of functions to run?', unit: 'calls', metrics: [throttled] },
    ]
  }

  private addRoutes(api: HttpApi, functions: readonly LambdaFunction[]): void {
    const integrations = new Map(functions.map(fn => [fn.service, new HttpLambdaIntegration(fn.service, fn)]))
    for (const route of routes) {
      const integration = integrations.get(route.function)
      if (!integration) throw new Error(`The API has no function ${route.function} for ${route.method} ${route.path}.`)
      const [added] = api.addRoutes({ path: route.path, methods: [HttpMethod[route.method]], integration })
      if (added)
        Validations.of(added).acknowledge({
          id: 'AwsSolutions-APIG4',
          reason: 'The functions check keys, so that a key store that fails is a 503 and not a refusal.',
        })
    }
  }
}
