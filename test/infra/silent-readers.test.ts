import { alarmRules, type Series } from '../fixtures/alarm-rules.ts'
import { resources, templateOf } from '../fixtures/infra-templates.ts'

const HOURS = 8
const MINUTES = HOURS * 60
const rules = alarmRules('prod')
const KINESIS_READERS = ['state', 'index-events']
const TABLE_READERS = ['windows', 'index-documents']
const READERS = [...KINESIS_READERS, ...TABLE_READERS]
const names = [...READERS, 'archive'].map(reader => `${reader}-not-reading`)

/** A recorded series: the value of each minute. */
const record = (valueAt: (minute: number) => number | undefined): Series => Array.from({ length: MINUTES }, (_, n) => valueAt(n))
const nothing = record(() => undefined)
const zero = record(() => 0)
const every = (minutes: number, offset = 0) => record(n => (n % minutes === offset ? 1 : 0))

/** What arrives in the stream and is written to the table, and what each reader reads of it. */
interface Recorded {
  readonly stream: Series
  readonly table: Series
  readonly read?: Series
  /** What one reader or Firehose reads instead. */
  readonly except?: Readonly<Record<string, Series>>
}

/** The names of the alarms on silent readers that were on, with the first minute and the number of minutes. */
function evaluate({ stream, table, read = stream, except = {} }: Recorded): Record<string, { first: number; minutes: number }> {
  const readOf = (dimension: string): Series => {
    const reader = Object.entries(MAPPINGS).find(([, id]) => dimension.includes(id))?.[0] ?? 'archive'
    return except[reader] ?? (TABLE_READERS.includes(reader) ? table : read)
  }
  const seriesOf = (metric: string, dimension: string): Series =>
    metric === 'IncomingRecords' ? stream : metric === 'ConsumedWriteCapacityUnits' ? table : readOf(dimension)
  const on = names.map(name => [name, rules.minutesOn(name, seriesOf, MINUTES)] as const)
  return Object.fromEntries(
    on.flatMap(([name, minutes]) => (minutes.length === 0 ? [] : [[name, { first: minutes[0] ?? 0, minutes: minutes.length }]])),
  )
}

const MAPPINGS: Readonly<Record<string, string>> = {
  state: 'StateFunctionEventStream',
  'index-events': 'SearchIndexEventsEventStream',
  windows: 'WindowsFunctionChanges',
  'index-documents': 'SearchIndexDocumentsChanges',
}

test('prod has an alarm on the silence of every reader and of Firehose; dev has none, and no metrics of mappings', () => {
  expect(rules.composites.toSorted()).toEqual(names.toSorted())
  const mappings = (stage: string) => resources(templateOf(stage), 'AWS::Lambda::EventSourceMapping')
  expect(mappings('prod').map(({ Properties }) => Properties.MetricsConfig)).toEqual(
    READERS.map(() => ({ Metrics: ['EventCount'] })),
  )
  expect(mappings('dev').map(({ Properties }) => Properties.MetricsConfig)).toEqual(READERS.map(() => undefined))
  expect(alarmRules('dev').composites).toEqual([])
})

test('an idle stage is quiet, whether its readers report 0 or nothing', () => {
  expect(evaluate({ stream: nothing, table: nothing })).toEqual({})
  expect(evaluate({ stream: nothing, table: nothing, read: zero, except: { windows: zero, 'index-documents': zero } })).toEqual(
    {},
  )
  expect(evaluate({ stream: zero, table: zero })).toEqual({})
})

test.each([3, 10, 20, 45])('one event in %s minutes is quiet, also if it is read in the next minute', minutes => {
  const [arrived, later] = [every(minutes), every(minutes, 1)]
  expect(evaluate({ stream: arrived, table: arrived })).toEqual({})
  expect(evaluate({ stream: arrived, table: later, read: later, except: { windows: every(minutes, 2) } })).toEqual({})
})

test('interactions only are quiet: the state function writes its position, which the readers of the table poll', () => {
  const interactions = record(n => (n % 3 === 0 ? 40 : 0))
  const positions = record(n => (n % 3 === 0 ? 1 : 0))
  expect(evaluate({ stream: interactions, table: positions })).toEqual({})
})

test.each([
  [1, 20],
  [10, 240],
])('with one event in %s minutes, a reader that lost its rights is found within %s minutes', (minutes, found) => {
  const lostAt = 60
  const arrived = every(minutes)
  const lost = record(n => (n < lostAt ? arrived[n] : undefined))
  for (const reader of READERS) {
    const on = evaluate({ stream: arrived, table: arrived, except: { [reader]: lost } })
    expect(Object.keys(on)).toEqual([`${reader}-not-reading`])
    expect(on[`${reader}-not-reading`]?.first).toBeLessThanOrEqual(lostAt + found)
  }
})

test('an alarm on lost rights stays on while one event in 10 minutes comes', () => {
  const arrived = every(10)
  const found = evaluate({ stream: arrived, table: arrived, except: { state: nothing } })['state-not-reading']
  expect(found?.minutes).toBeGreaterThanOrEqual(MINUTES - 4 * 60)
})

test('idle after a burst is quiet, also if the burst is read for 10 minutes after it', () => {
  const burst = record(n => (n >= 100 && n < 103 ? 5000 : 0))
  expect(evaluate({ stream: burst, table: burst })).toEqual({})
  const slow = record(n => (n >= 100 && n < 113 ? 1000 : undefined))
  expect(evaluate({ stream: burst, table: slow, read: slow })).toEqual({})
})

test('Firehose that reads 0 while records come in is found', () => {
  const busy = record(() => 100)
  for (const silent of [zero, nothing]) {
    const found = evaluate({ stream: busy, table: busy, except: { archive: silent } })
    expect(Object.keys(found)).toEqual(['archive-not-reading'])
    expect(found['archive-not-reading']?.first).toBeLessThanOrEqual(20)
  }
})

test('requests that API Gateway throttles raise an alarm, single ones do not', () => {
  const on = (series: Series) =>
    rules.minutesOn('api-throttled', metric => (metric === 'RequestsThrottled' ? series : nothing), 60)
  expect(on(record(n => (n < 30 ? 5 : undefined)))).not.toEqual([])
  expect(on(record(n => (n % 10 === 0 ? 1 : undefined)))).toEqual([])
})

test('the access log gives the 429 of API Gateway alone as a metric, not those of a function', () => {
  for (const stage of ['dev', 'prod']) {
    const filters = resources(templateOf(stage), 'AWS::Logs::MetricFilter')
    expect(filters.map(({ Properties }) => Properties)).toEqual([
      expect.objectContaining({
        FilterPattern: '{ ($.status = "429") && ($.functionMilliseconds = "-") }',
        MetricTransformations: [{ MetricName: 'RequestsThrottled', MetricNamespace: `millrace-${stage}`, MetricValue: '1' }],
      }),
    ])
  }
})
