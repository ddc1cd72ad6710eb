import { acceptedEvents, lastHours, measuredUsage, planCalls, planMeasures } from '../../../cli/cost/plan-metrics.ts'
import { templateOf } from '../../fixtures/infra-templates.ts'

const template = templateOf('prod').toJSON().Resources
/** The stack as CloudFormation lists it, each resource with its logical id as its name. */
const resources = Object.entries(template as Record<string, { Type: string }>).map(([logicalId, { Type }]) => ({
  logicalId,
  physicalId: logicalId,
  type: Type,
}))
const measures = [acceptedEvents('millrace-prod'), ...planMeasures(resources, template)]

test('every function, table, log group, the stream, the API and Firehose are measured, each under its part', () => {
  const metricsOf = (part: string) => new Set(measures.filter(each => each.part === part).map(({ metric }) => metric))
  expect(metricsOf('api')).toEqual(new Set(['Count', 'IncomingBytes']))
  expect(metricsOf('stream')).toEqual(new Set(['IncomingRecords']))
  expect(metricsOf('state')).toEqual(
    new Set(['Invocations', 'Duration', 'IncomingBytes', 'ConsumedWriteCapacityUnits', 'ConsumedReadCapacityUnits']),
  )
  expect(metricsOf('archive')).toContain('DataReadFromKinesisStream.Records')
  const functions = resources.filter(({ type }) => type === 'AWS::Lambda::Function')
  expect(measures.filter(({ metric }) => metric === 'Duration')).toHaveLength(functions.length)
})

test('sums become units: milliseconds with the memory of their function, small records of Firehose as 5 KB each', () => {
  const sums = measures.map(({ part, metric }) => {
    if (metric === 'EventsAccepted') return 2000
    if (part === 'ingest' && metric === 'Duration') return 60_000
    if (metric === 'DataReadFromKinesisStream.Records') return 1000
    return metric === 'DataReadFromKinesisStream.Bytes' ? 600_000 : 0
  })
  const { events, parts } = measuredUsage(measures, sums)
  expect(events).toBe(2000)
  expect(parts['ingest']?.computeGbSeconds).toBe(30)
  expect(parts['archive']?.firehoseGb).toBeCloseTo((1000 * 5120) / 2 ** 30, 10)
})

test('whole hours are read, with at most 500 metrics a call', () => {
  expect(lastHours(2, Date.parse('2026-11-27T12:34:56Z'))).toEqual({
    from: Date.parse('2026-11-27T10:00:00Z'),
    to: Date.parse('2026-11-27T12:00:00Z'),
  })
  const many = Array.from({ length: 501 }, () => acceptedEvents('s'))
  const calls = planCalls(many, 0, 3_600_000)
  expect(calls.map(({ MetricDataQueries }) => MetricDataQueries?.length)).toEqual([500, 1])
  expect(calls[1]?.MetricDataQueries?.[0]?.Id).toBe('m500')
})

test('the capacity of a provisioned table is not measured: it is billed whether it is used or not', () => {
  const table = { logicalId: 'StateTable', physicalId: 't', type: 'AWS::DynamoDB::Table' }
  expect(planMeasures([table], { StateTable: { Type: table.type, Properties: { BillingMode: 'PROVISIONED' } } })).toEqual([])
})
