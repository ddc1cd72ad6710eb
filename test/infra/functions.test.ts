import { Duration } from 'aws-cdk-lib'
import type { Template } from 'aws-cdk-lib/assertions'
import { settingsFor } from '../../infra/settings.ts'
import { SEARCH_FUNCTION_IDS } from '../../lambdas/quarantine/plan-failures.ts'
import { environments, NONE } from '../../shared/environment.ts'
import { MAX_DELIVERY_MS } from '../../shared/record-age.ts'
import { functionIds, functionOf } from '../fixtures/function-ids.ts'
import { plain, resource, resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'

test.each([...functionIds])('%s has exactly the environment variables that it reads', (name, id) => {
  const { Variables } = functionOf(templateOf('dev'), id).Environment
  expect(Object.keys(Variables).sort()).toEqual([...environments[name], 'NODE_OPTIONS', 'POWERTOOLS_METRICS_NAMESPACE'].sort())
})

test('names of the functions of search contain their logical ids, by which their failures are known when search is off', () => {
  expect(SEARCH_FUNCTION_IDS.rawEvents).toBe(functionIds.get('index-events'))
  expect(SEARCH_FUNCTION_IDS.documents).toBe(functionIds.get('index-documents'))
})

test('collect-failures and the function of raw events know the same types as indexed', () => {
  const typesOf = (template: Template, id: string) => functionOf(template, id).Environment.Variables.RAW_EVENT_TYPES
  for (const stage of ['dev', 'prod'])
    expect(typesOf(templateOf(stage), 'FailuresFunction')).toBe(typesOf(templateOf(stage), 'SearchIndexEvents'))
  expect(typesOf(templateWith('dev', { search: 'off' }), 'FailuresFunction')).toBe(NONE)
})

test('all functions run on Node 24 and arm64, log JSON to a log group each, and do not trace', () => {
  const functions = resources(templateOf('prod'), 'AWS::Lambda::Function')
  expect(functions.map(({ id }) => id).sort()).toEqual([...functionIds.values()].sort())
  for (const { id, Properties } of functions) {
    expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
    expect(Properties.LoggingConfig).toMatchObject({ LogFormat: 'JSON', SystemLogLevel: 'WARN' })
    expect(plain(Properties.LoggingConfig.LogGroup)).toBe(`<${id}Logs>`)
    expect(Properties.TracingConfig).toBeUndefined()
  }
})

test.each([
  ['StateFunction', ['WindowsFunction', 'SearchIndexDocuments']],
  ['IngestFunction', ['StateFunction', 'SearchIndexEvents', 'ArchiveTableEvents', 'ArchiveDelivery']],
  ['ReplayFunction', ['StateFunction', 'SearchIndexEvents', 'ArchiveTableEvents', 'ArchiveDelivery']],
] as const)('%s is updated after what reads what it writes (B2, N11)', (writer, readers) => {
  for (const stage of ['dev', 'prod']) {
    const { DependsOn } = resource(templateOf(stage), 'AWS::Lambda::Function', writer)
    for (const reader of readers) expect(DependsOn).toContainEqual(expect.stringMatching(new RegExp(`^${reader}`)))
  }
})

test('settings reach the functions in the units that the names of the variables say', () => {
  const { Variables } = functionOf(templateOf('prod'), 'StateFunction').Environment
  expect(Variables).toMatchObject({
    IDENTITY_MINUTES: '15',
    IDENTITY_COUNT: '5000',
    IDENTITY_DAYS: '7',
    RETRY_BUDGET_SECONDS: '300',
    LATENESS_HOURS: NONE,
  })
  for (const id of ['WindowsFunction', 'SearchIndexDocuments'])
    expect(functionOf(templateOf('prod'), id).Environment.Variables).toMatchObject({ DEPLOYMENT_WAIT_MINUTES: '15' })
})

test('the reports function has enough time, memory and disk for a large archive', () => {
  expect(functionOf(templateOf('prod'), 'ReportsFunction')).toMatchObject({
    Timeout: 900,
    MemorySize: 3008,
    EphemeralStorage: { Size: 10240 },
  })
})

describe('event source mappings', () => {
  const mapping = (template: Template, id: string) => resource(template, 'AWS::Lambda::EventSourceMapping', id).Properties
  const dev = (id: string) => mapping(templateOf('dev'), id)

  test.each(['StateFunctionEventStream', 'WindowsFunctionChanges', 'SearchIndexDocumentsChanges'])(
    '%s reads in order from the oldest record, and discards a record to the failure destination only an hour before it expires',
    id => {
      expect(dev(id)).toMatchObject({
        StartingPosition: 'TRIM_HORIZON',
        ParallelizationFactor: 1,
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        MaximumRetryAttempts: -1,
        MaximumRecordAgeInSeconds: 23 * 3600,
      })
      expect(plain(dev(id).DestinationConfig.OnFailure.Destination)).toBe('<QuarantineBucket.Arn>')
    },
  )

  test('with a longer retention records are discarded later, at most after the seven days that Lambda allows', () => {
    const ageOf = (template: Template, id: string) => mapping(template, id).MaximumRecordAgeInSeconds
    expect(ageOf(templateOf('prod'), 'StateFunctionEventStream')).toBe((7 * 24 - 1) * 3600)
    expect(ageOf(templateOf('prod'), 'WindowsFunctionChanges')).toBe(23 * 3600)
    const long = templateWith('prod', { stream: { ...settingsFor('prod').stream, retention: Duration.days(30) } })
    expect(ageOf(long, 'StateFunctionEventStream')).toBe(7 * 24 * 3600)
  })

  test('what is stored until no record can be delivered again does not depend on the retention', () => {
    const long = templateWith('prod', { stream: { ...settingsFor('prod').stream, retention: Duration.days(30) } })
    const readers = ['StateFunctionEventStream', 'WindowsFunctionChanges']
    const seconds = readers.map(id => mapping(long, id).MaximumRecordAgeInSeconds)
    expect(MAX_DELIVERY_MS / 1000).toBeGreaterThanOrEqual(seconds[0] + seconds[1])
    const withRetention = Object.entries<readonly string[]>(environments).filter(([, names]) => names.includes('RETENTION_HOURS'))
    expect(withRetention.map(([name]) => name)).toEqual(['compact'])
  })

  test('states and raw events read the event stream; windows and documents read the stream of the state table', () => {
    expect(plain(dev('StateFunctionEventStream').EventSourceArn)).toBe('<EventStream.Arn>')
    expect(plain(dev('WindowsFunctionChanges').EventSourceArn)).toBe('<StateTable.StreamArn>')
    expect(plain(dev('SearchIndexDocumentsChanges').EventSourceArn)).toBe('<StateTable.StreamArn>')
    expect(plain(dev('SearchIndexEventsEventStream').EventSourceArn)).toBe('<EventStream.Arn>')
    expect(resources(templateOf('dev'), 'AWS::Lambda::EventSourceMapping')).toHaveLength(4)
  })

  test('windows are called for user items only, documents for every item, states for every record', () => {
    const [filter] = dev('WindowsFunctionChanges').FilterCriteria.Filters
    expect(JSON.parse(filter.Pattern)).toEqual({ dynamodb: { Keys: { sk: { S: ['state'] } } } })
    expect(dev('SearchIndexDocumentsChanges').FilterCriteria).toBeUndefined()
    expect(dev('StateFunctionEventStream').FilterCriteria).toBeUndefined()
  })
})
