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

test('the API opens after Firehose exists, because Firehose reads the stream only from its creation on', () => {
  const template = templateOf('dev')
  const delivery = Object.keys(template.findResources('AWS::KinesisFirehose::DeliveryStream'))[0]
  for (const { DependsOn } of resources(template, 'AWS::ApiGatewayV2::Stage')) expect(DependsOn).toContain(delivery)
  for (const { DependsOn } of resources(template, 'AWS::ApiGatewayV2::Route')) expect(DependsOn).toContain(delivery)
})
