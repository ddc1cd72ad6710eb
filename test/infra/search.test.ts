import { settingsFor } from '../../infra/settings.ts'
import { NONE } from '../../shared/environment.ts'
import { functionOf } from '../fixtures/function-ids.ts'
import { plain, resource, resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'

test('the domain is an encrypted OpenSearch 3.7 that allows TLS only and publishes slow logs', () => {
  expect(resource(templateOf('prod'), 'AWS::OpenSearchService::Domain').Properties).toMatchObject({
    EngineVersion: 'OpenSearch_3.7',
    DomainEndpointOptions: { EnforceHTTPS: true, TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' },
    NodeToNodeEncryptionOptions: { Enabled: true },
    EncryptionAtRestOptions: { Enabled: true },
    ClusterConfig: { InstanceCount: 2, ZoneAwarenessEnabled: true },
    LogPublishingOptions: { SEARCH_SLOW_LOGS: { Enabled: true }, INDEX_SLOW_LOGS: { Enabled: true } },
  })
})

test('the domain allows access only to the roles that use it', () => {
  const { AccessPolicies } = resource(templateOf('dev'), 'AWS::OpenSearchService::Domain').Properties
  const allowed = AccessPolicies.Statement.flatMap((statement: { Effect: string; Principal: { AWS: unknown } }) =>
    [statement.Principal.AWS].flat().map(principal => `${statement.Effect} ${plain(principal)}`),
  )
  const functions = [
    'SearchIndexDocuments',
    'SearchIndexEvents',
    'SearchSetUp',
    'QueryFunction',
    'ReindexFunction',
    'ReplayFunction',
  ]
  expect(new Set(allowed)).toEqual(new Set(functions.map(id => `Allow <${id}Role.Arn>`)))
})

test('without search there is no domain and no search function, and the query function gets no URL', () => {
  const template = templateWith('dev', { search: 'off' })
  template.resourceCountIs('AWS::OpenSearchService::Domain', 0)
  expect(resources(template, 'AWS::Lambda::Function').filter(({ id }) => id.startsWith('Search'))).toEqual([])
  expect(functionOf(template, 'QueryFunction').Environment.Variables.OPENSEARCH_URL).toBe(NONE)
  const outputs = template.findOutputs('*')
  expect([outputs['OpenSearchUrl']?.['Value'], outputs['SetUpFunction']?.['Value']]).toEqual([NONE, NONE])
  expect(resources(template, 'AWS::Lambda::EventSourceMapping')).toHaveLength(2)
})

test('a local stage has no domain: its functions run on this machine and use the OpenSearch at its URL', () => {
  const template = templateWith('local', settingsFor('local', 'http://127.0.0.1:9200'))
  template.resourceCountIs('AWS::OpenSearchService::Domain', 0)
  expect(functionOf(template, 'SearchIndexDocuments')).toMatchObject({
    Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
    Environment: { Variables: { OPENSEARCH_URL: 'http://127.0.0.1:9200' } },
  })
})
