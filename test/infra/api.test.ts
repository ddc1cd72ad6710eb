import { routes } from '../../shared/routes.ts'
import { functionIds } from '../fixtures/function-ids.ts'
import { plain, resource, resources, templateOf } from '../fixtures/infra-templates.ts'

test('the API has the routes of shared/routes.ts, those of GET also for HEAD, each integrated with its function', () => {
  const template = templateOf('dev')
  const target = (id: string): string => plain(resource(template, 'AWS::ApiGatewayV2::Integration', id).Properties.IntegrationUri)
  const found = resources(template, 'AWS::ApiGatewayV2::Route').map(({ Properties }) => {
    const integration = /<(.+)>/.exec(plain(Properties.Target))?.[1] ?? ''
    return [Properties.RouteKey, target(integration)]
  })
  const expected = routes.flatMap(({ method, path, function: service }) =>
    (method === 'GET' ? ['GET', 'HEAD'] : [method]).map(one => [`${one} ${path}`, `<${functionIds.get(service)}.Arn>`]),
  )
  expect(found.sort()).toEqual(expected.sort())
})

test('the API leaves CORS to the functions, throttles, and logs neither paths nor queries', () => {
  expect(resource(templateOf('prod'), 'AWS::ApiGatewayV2::Api').Properties.CorsConfiguration).toBeUndefined()
  const stage = resource(templateOf('prod'), 'AWS::ApiGatewayV2::Stage').Properties
  expect(stage.StageName).toBe('$default')
  expect(stage.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 2000, ThrottlingBurstLimit: 4000 })
  expect(plain(stage.AccessLogSettings.DestinationArn)).toBe('<ApiAccessLogs.Arn>')
  expect(stage.AccessLogSettings.Format).not.toMatch(/\$context\.path|query|sourceIp/i)
})

test('each route without a key has a throttle of its own, and exists before the stage that sets it', () => {
  const template = templateOf('prod')
  const [stage] = resources(template, 'AWS::ApiGatewayV2::Stage')
  const throttles: Record<string, object> = stage?.Properties.RouteSettings
  const keyless = routes.filter(({ scope }) => scope === null)
  const keys = keyless.flatMap(({ method, path }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]).map(one => `${one} ${path}`))
  expect(Object.keys(throttles).sort()).toEqual(keys.sort())
  expect(throttles['GET /v1/health']).toEqual({ ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 })
  expect(throttles['ANY /{proxy+}']).toEqual({ ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 })
  expect(throttles['OPTIONS /{proxy+}']).toEqual({ ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 })
  expect(stage?.DependsOn).toEqual(expect.arrayContaining(Object.keys(template.findResources('AWS::ApiGatewayV2::Route'))))
})

test('the API opens after Firehose exists, because Firehose reads the stream only from its creation on', () => {
  const template = templateOf('dev')
  const delivery = Object.keys(template.findResources('AWS::KinesisFirehose::DeliveryStream'))[0]
  for (const { DependsOn } of resources(template, 'AWS::ApiGatewayV2::Stage')) expect(DependsOn).toContain(delivery)
  for (const { DependsOn } of resources(template, 'AWS::ApiGatewayV2::Route')) expect(DependsOn).toContain(delivery)
})

/** Lambda's limit for the policy of one function: each route adds a statement. */
const MAX_POLICY_BYTES = 20 * 1024

test('the routes fit into the policies of their functions, with names of the greatest length', () => {
  const template = templateOf('prod')
  const functions = Map.groupBy(resources(template, 'AWS::Lambda::Permission'), ({ Properties }) =>
    plain(Properties.FunctionName),
  )
  expect(functions.size).toBe(2)
  for (const permissions of functions.values()) {
    const statements = permissions.map(({ id, Properties }) => ({
      Sid: `millrace-production-${id}-${'X'.repeat(13)}`,
      Effect: 'Allow',
      Principal: { Service: Properties.Principal },
      Action: Properties.Action,
      Resource: `arn:aws:lambda:ap-northeast-1:123456789012:function:${'f'.repeat(64)}`,
      Condition: { ArnLike: { 'AWS:SourceArn': plain(Properties.SourceArn).replace(/<[^>]*>/g, 'x'.repeat(14)) } },
    }))
    const policy = JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements })
    expect(Buffer.byteLength(policy)).toBeLessThan(MAX_POLICY_BYTES)
  }
})
