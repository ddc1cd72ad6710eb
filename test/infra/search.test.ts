import { Template } from 'aws-cdk-lib/assertions'
import { settingsFor } from '../../infra/settings.ts'
import { NONE } from '../../shared/environment.ts'
import { readOutputs } from '../../shared/outputs.ts'
import { functionOf } from '../fixtures/function-ids.ts'
import { plain, resource, resources, stackOf, templateOf, templateWith } from '../fixtures/infra-templates.ts'

test('the domain is an encrypted OpenSearch 3.7 that allows TLS only', () => {
  expect(resource(templateOf('prod'), 'AWS::OpenSearchService::Domain').Properties).toMatchObject({
    EngineVersion: 'OpenSearch_3.7',
    DomainEndpointOptions: { EnforceHTTPS: true, TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' },
    NodeToNodeEncryptionOptions: { Enabled: true },
    EncryptionAtRestOptions: { Enabled: true },
    ClusterConfig: { InstanceCount: 3, ZoneAwarenessEnabled: true, ZoneAwarenessConfig: { AvailabilityZoneCount: 3 } },
  })
})

test.each(['dev', 'prod'])('%s: a new version of OpenSearch updates the domain and does not replace it', stage => {
  const [domain] = Object.values(templateOf(stage).findResources('AWS::OpenSearchService::Domain'))
  expect(domain?.['UpdatePolicy']).toEqual({ EnableVersionUpgrade: true })
})

test('the policy of the domain names the account and no role, so that the policies of the roles decide', () => {
  const { AccessPolicies } = resource(templateOf('dev'), 'AWS::OpenSearchService::Domain').Properties
  const principals = AccessPolicies.Statement.map(({ Principal }: { Principal: { AWS: unknown } }) => plain(Principal.AWS))
  expect(principals).toEqual(['arn:<AWS::Partition>:iam::<AWS::AccountId>:root'])
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

test('an empty list of raw events is none: a variable without a value would keep three functions from starting', () => {
  const { search } = settingsFor('dev')
  if (search === 'off') throw new Error('The stage dev has search.')
  const template = templateWith('dev', { search: { ...search, rawEvents: { ...search.rawEvents, types: [] } } })
  for (const name of ['SearchIndexEvents', 'QueryFunction', 'FailuresFunction'])
    expect(functionOf(template, name).Environment.Variables.RAW_EVENT_TYPES).toBe(NONE)
  expect(template.findOutputs('*')['RawEventTypes']?.['Value']).toBe(NONE)
})

test('every output has a value, also without projections: the command line refuses a stack that lacks one', () => {
  const template = Template.fromStack(stackOf('dev', { projections: [] }))
  const outputs = Object.entries(template.findOutputs('*')).map(([OutputKey, { Value }]) => ({
    OutputKey,
    OutputValue: plain(Value),
  }))
  expect(readOutputs('millrace-dev', { Outputs: outputs }).Projections).toBe(NONE)
})

test('a local stage has no domain: its functions run on this machine and use the OpenSearch at its URL', () => {
  const template = templateWith('local', settingsFor('local', 'http://127.0.0.1:9200'))
  template.resourceCountIs('AWS::OpenSearchService::Domain', 0)
  expect(functionOf(template, 'SearchIndexDocuments')).toMatchObject({
    Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
    Environment: { Variables: { OPENSEARCH_URL: 'http://127.0.0.1:9200' } },
  })
})
