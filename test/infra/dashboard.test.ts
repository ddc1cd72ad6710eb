import { environments } from '../../shared/environment.ts'
import { metrics } from '../../shared/metrics.ts'
import { rejections } from '../../shared/rejections.ts'
import { metricsOf, ownMetricsOf, type Widget, widgetsOf } from '../fixtures/dashboard-widgets.ts'
import { resources, templateOf, templateWith } from '../fixtures/infra-templates.ts'

const widgets = widgetsOf(templateOf('dev'))
const graphs = widgets.filter(({ type }) => type === 'metric')

test('the dashboard shows every defined metric, only defined metrics, and only existing functions', () => {
  const shown = [...ownMetricsOf(widgets)].map(metric => metric.split(' '))
  for (const [service] of shown) expect(Object.keys(environments)).toContain(service)
  expect([...new Set(shown.map(([, name]) => name))].sort()).toEqual(Object.keys(metrics).sort())
})

test('product metrics have one dimension, the function', () => {
  const own = metricsOf(widgets).filter(({ namespace }) => namespace === '<AWS::StackName>')
  for (const { dimensions } of own) expect(dimensions).toEqual(['service', expect.any(String)])
})

test('a metric by shard has a line for each shard, whatever shards there are', () => {
  const expressions = graphs.flatMap(({ properties }) => properties.metrics ?? []).flat()
  const searches = expressions
    .flatMap(each => (each as { expression?: string }).expression ?? [])
    .filter(text => /SEARCH/.test(text))
  expect(searches).toEqual([
    `SEARCH('{"<AWS::StackName>",service,shard} service="state" MetricName="FoldsThrottled"', 'Sum', 300)`,
  ])
})

test('the title of every graph names the thing and the measure, and its axis has a unit', () => {
  for (const { properties } of graphs) {
    expect(properties.title).toMatch(/^[A-Z][\w -]+: [^?]+$/)
    expect(properties.yAxis?.left?.label).toMatch(/\S/)
  }
  expect(new Set(graphs.map(({ properties }) => properties.title)).size).toBe(graphs.length)
})

test('the dashboard begins with the legend and the state of every alarm', () => {
  expect(widgets.slice(0, 2).map(({ type }) => type)).toEqual(['text', 'alarm'])
  const alarms = resources(templateOf('dev'), 'AWS::CloudWatch::Alarm').map(({ id }) => `<${id}.Arn>`)
  expect(widgets[1]?.properties.alarms?.toSorted()).toEqual(alarms.sort())
})

test('widgets do not overlap and do not cross the right edge', () => {
  const overlap = (a: Widget, b: Widget) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
  expect(widgets.filter(widget => widget.x + widget.width > 24)).toEqual([])
  expect(widgets.filter((widget, i) => widgets.slice(i + 1).some(other => overlap(widget, other)))).toEqual([])
})

const logQueries = widgets.filter(({ type }) => type === 'log').map(({ properties }) => properties.query ?? '')

test('the events of each key are counted from the log lines of ingest, not by a metric', () => {
  expect(logQueries.filter(query => query.includes('by key'))).toEqual([
    expect.stringMatching(/^SOURCE '<IngestFunctionLogs>' \| filter ispresent\(key\)/),
  ])
})

test('the graph of quarantined events sums every code, over the log lines of all functions that quarantine events', () => {
  const [log, ...more] = logQueries.filter(query => query.includes('codes.'))
  expect(more).toEqual([])
  const codes = Object.entries(rejections).flatMap(([code, { status }]) => (status === 200 ? [code] : []))
  expect([...(log ?? '').matchAll(/sum\(codes\.(\w+)\) as (\w+)/g)].map(([, code]) => code).sort()).toEqual(
    [...codes, 'malformed_json'].sort(),
  )
  for (const part of ['Ingest', 'State', 'Windows', 'SearchIndexDocuments', 'Failures'])
    expect(log).toMatch(new RegExp(`SOURCE '<${part}\\w*>'`))
})

test.each([
  ['AWS/ApiGateway', 'Count'],
  ['AWS/ApiGateway', 'DataProcessed'],
  ['AWS/Lambda', 'Invocations'],
  ['AWS/Lambda', 'Duration'],
  ['AWS/Kinesis', 'IncomingBytes'],
  ['AWS/DynamoDB', 'ConsumedWriteCapacityUnits'],
  ['AWS/DynamoDB', 'ConsumedReadCapacityUnits'],
  ['AWS/Firehose', 'DataReadFromKinesisStream.Bytes'],
  ['AWS/S3', 'BucketSizeBytes'],
  ['AWS/Logs', 'IncomingBytes'],
  ['AWS/ES', 'FreeStorageSpace'],
])('the dashboard shows the billed metric %s %s', (namespace, name) => {
  expect(metricsOf(widgets)).toContainEqual(expect.objectContaining({ namespace, name }))
})

test('the graphs of compute and logs show every function; the graph of logs also shows the API', () => {
  const shown = (wanted: string) =>
    metricsOf(graphs).flatMap(({ namespace, name, dimensions }) => (`${namespace} ${name}` === wanted ? [dimensions[1]] : []))
  const functions = Object.keys(environments).length
  expect(new Set(shown('AWS/Lambda Duration')).size).toBe(functions)
  expect(new Set(shown('AWS/Logs IncomingBytes')).size).toBe(functions + 1)
})

test('without search the dashboard has no metric of search', () => {
  const without = metricsOf(widgetsOf(templateWith('dev', { search: 'off' })))
  expect(
    without.filter(({ namespace, dimensions }) => namespace === 'AWS/ES' || /index|reindex/.test(dimensions[1] ?? '')),
  ).toEqual([])
})
