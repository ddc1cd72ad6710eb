import type { Template } from 'aws-cdk-lib/assertions'
import { settingsFor } from '../../infra/settings.ts'
import type { Settings } from '../../infra/settings-types.ts'
import { routes } from '../../shared/routes.ts'
import { functionIds } from '../fixtures/function-ids.ts'
import { plain, resource, resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'

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

test('each function of the API has one permission, for this API only', () => {
  const permissions = resources(templateOf('prod'), 'AWS::Lambda::Permission').map(({ Properties }) => Properties)
  const called = new Set(routes.map(route => `<${functionIds.get(route.function)}.Arn>`))
  expect(permissions.map(({ FunctionName }) => plain(FunctionName)).sort()).toEqual([...called].sort())
  for (const { Principal, SourceArn } of permissions) {
    expect(Principal).toBe('apigateway.amazonaws.com')
    expect(plain(SourceArn)).toBe('arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<ApiHttp>/*/*/*')
  }
})

const certificate = 'arn:aws:acm:eu-west-1:123456789012:certificate/c'
const withApi = (changes: Partial<Settings['api']>) => templateWith('dev', { api: { ...settingsFor('dev').api, ...changes } })
const outputOf = (template: Template, output: string) => plain(template.findOutputs('*')[output]?.['Value'])

test('a stage without a domain of its own has the address that AWS gives', () => {
  templateOf('dev').resourceCountIs('AWS::ApiGatewayV2::DomainName', 0)
  expect(outputOf(templateOf('dev'), 'ApiUrl')).toBe('<ApiHttp.ApiEndpoint>')
  expect(templateOf('dev').findOutputs('ApiTarget')).toEqual({})
})

test('a domain of your own gets a record in its hosted zone, and the default address can be switched off', () => {
  const hostedZone = { id: 'Z1', name: 'example.com' }
  const template = withApi({ domain: { name: 'events.example.com', certificate, hostedZone }, defaultAddress: 'off' })
  expect(resource(template, 'AWS::ApiGatewayV2::DomainName').Properties).toMatchObject({
    DomainName: 'events.example.com',
    DomainNameConfigurations: [{ CertificateArn: certificate, EndpointType: 'REGIONAL' }],
  })
  const mapping = resource(template, 'AWS::ApiGatewayV2::ApiMapping')
  expect([plain(mapping.Properties.DomainName), mapping.Properties.Stage]).toEqual(['<ApiDomainName>', '$default'])
  expect(mapping.DependsOn).toContainEqual(expect.stringMatching(/^ApiStage/))
  const record = resource(template, 'AWS::Route53::RecordSet').Properties
  expect(record).toMatchObject({ Name: 'events.example.com.', Type: 'A', HostedZoneId: 'Z1' })
  expect(plain(record.AliasTarget.DNSName)).toBe('<ApiDomainName.RegionalDomainName>')
  expect(resource(template, 'AWS::ApiGatewayV2::Api').Properties.DisableExecuteApiEndpoint).toBe(true)
  expect(outputOf(template, 'ApiUrl')).toBe('https://events.example.com')
})

test('without a hosted zone the output says what the record must point to', () => {
  const template = withApi({ domain: { name: 'events.example.com', certificate, hostedZone: 'none' } })
  template.resourceCountIs('AWS::Route53::RecordSet', 0)
  expect(outputOf(template, 'ApiTarget')).toBe('<ApiDomainName.RegionalDomainName>')
})

test('an API without any address is refused', () => {
  expect(() => withApi({ defaultAddress: 'off' })).toThrow(/^The API has no address: /)
})
