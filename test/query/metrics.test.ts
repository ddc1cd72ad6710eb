import { CloudWatchClient, GetMetricDataCommand, type MetricDataResult } from '@aws-sdk/client-cloudwatch'
import { mockClient } from 'aws-sdk-client-mock'
import { lagsReader, metricsReader } from '../../lambdas/query/cloudwatch.ts'
import { describeMetrics, lagsOf, planMetrics } from '../../lambdas/query/metrics.ts'

const sources = {
  namespace: 'millrace-dev',
  deliveryStream: 'archive',
  readers: { folded: 'State', windows: 'Windows', documents: 'Documents', rawEvents: 'RawEvents' },
}
const NOW = Date.UTC(2026, 0, 31, 12, 30, 30)
const MINUTE = 60_000
const minute = (text: string): Date => new Date(`2026-01-31T${text}:00Z`)
const result = (Id: string, points: Readonly<Record<string, number>>): MetricDataResult => ({
  Id,
  // CloudWatch returns the newest data points first.
  Timestamps: Object.keys(points).map(minute).reverse(),
  Values: Object.values(points).reverse(),
})

test('the query covers the last hour by minutes, up to the end of the current minute', () => {
  const { StartTime, EndTime, MetricDataQueries } = planMetrics(sources, NOW)
  expect([StartTime, EndTime]).toEqual([minute('11:31'), minute('12:31')])
  expect(planMetrics(sources, EndTime.getTime()).StartTime).toEqual(minute('11:32'))
  expect(MetricDataQueries).toHaveLength(18)
  expect(MetricDataQueries).toContainEqual({
    Id: 'count_folded',
    MetricStat: {
      Metric: {
        Namespace: 'millrace-dev',
        MetricName: 'EventsFolded',
        Dimensions: [{ Name: 'service', Value: 'state' }],
      },
      Period: 60,
      Stat: 'Sum',
    },
  })
  expect(MetricDataQueries).toContainEqual({
    Id: 'time_archived',
    MetricStat: {
      Metric: {
        Namespace: 'AWS/Firehose',
        MetricName: 'DeliveryToS3.DataFreshness',
        Dimensions: [{ Name: 'DeliveryStreamName', Value: 'archive' }],
      },
      Period: 60,
      Stat: 'Maximum',
    },
  })
})

test('every metric has a unique id in the form that CloudWatch requires', () => {
  const ids = planMetrics(sources, NOW).MetricDataQueries.map(({ Id }) => Id ?? '')
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.filter(id => !/^[a-z]\w*$/.test(id))).toEqual([])
})

const metricsOf = (...results: MetricDataResult[]) => describeMetrics(planMetrics(sources, NOW), sources, results)

test('each minute has its count, and a minute without a data point counts as 0', () => {
  const { minutes, perMinute } = metricsOf(result('count_accepted', { '11:31': 5, '12:29': 7, '12:30': 1 }))
  expect([minutes.length, minutes[0], minutes.at(-1)]).toEqual([60, '2026-01-31T11:31:00.000Z', '2026-01-31T12:30:00.000Z'])
  const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)
  expect(perMinute['accepted']).toEqual([5, ...zeros(57), 7, 1])
  expect(perMinute['folded']).toEqual(zeros(60))
})

test('the lag of a step is its newest data point, and null without one', () => {
  const { lagSeconds } = metricsOf(
    result('time_folded', { '12:10': 90, '12:29': 2 }),
    result('time_documents', {}),
    result('count_rawEvents', { '12:30': 9 }),
  )
  expect(lagSeconds).toEqual({ folded: 2, documents: null, rawEvents: null, archived: null })
})

test('the age of what a failing reader leaves unread is its lag, for as long as it fails', () => {
  const { lagSeconds } = metricsOf(
    result('time_folded', { '12:29': 2, '12:30': 3 }),
    result('unread_folded', { '12:26': 700 }),
    result('unread_rawEvents', { '12:30': 86_400 }),
    result('time_documents', { '12:30': 4 }),
    result('unread_documents', { '12:20': 900 }),
  )
  expect(lagSeconds).toEqual({ folded: 700, documents: 4, rawEvents: 86_400, archived: null })
})

test('a reader that dies without a log line is behind by the age of what Lambda hands to it', () => {
  const { lagSeconds } = metricsOf(
    result('time_folded', { '12:10': 2 }),
    result('age_folded', { '12:20': 9_000_000, '12:29': 800_000, '12:30': 1_500 }),
    result('time_documents', { '12:30': 4 }),
    result('age_documents', { '12:30': 1_200 }),
    result('age_rawEvents', { '12:28': 86_400_000 }),
  )
  expect(lagSeconds).toEqual({ folded: 800, documents: 4, rawEvents: 86_400, archived: null })
  expect(lagsOf(metricsOf(result('age_windows', { '12:30': 60_000 })))).toEqual({ state: 60, archive: null, search: null })
})

test('windows that fail are a lag of the states, from which they are derived', () => {
  const { lagSeconds } = metricsOf(result('time_folded', { '12:30': 2 }), result('unread_windows', { '12:30': 400 }))
  expect(lagSeconds).toMatchObject({ folded: 400 })
})

test('the age of a reader is a metric of its function; a stage without OpenSearch has no such readers', () => {
  const { MetricDataQueries } = planMetrics(
    { ...sources, readers: { ...sources.readers, documents: 'none', rawEvents: 'none' } },
    NOW,
  )
  const ages = MetricDataQueries.filter(({ Id }) => Id?.startsWith('age_'))
  expect(ages.map(({ Id, MetricStat }) => [Id, MetricStat?.Metric])).toEqual([
    [
      'age_folded',
      { Namespace: 'AWS/Lambda', MetricName: 'IteratorAge', Dimensions: [{ Name: 'FunctionName', Value: 'State' }] },
    ],
    [
      'age_windows',
      { Namespace: 'AWS/Lambda', MetricName: 'IteratorAge', Dimensions: [{ Name: 'FunctionName', Value: 'Windows' }] },
    ],
  ])
})

test('without data the result still has every step', () => {
  const { perMinute, lagSeconds } = metricsOf()
  expect(Object.keys(perMinute)).toEqual(['accepted', 'quarantined', 'folded', 'documents', 'rawEvents', 'archived'])
  expect(Object.values(lagSeconds)).toEqual([null, null, null, null])
})

describe('the metrics reader', () => {
  const readerOver = (respond: () => MetricDataResult[]) => {
    const client = new CloudWatchClient({ region: 'none' })
    const cloudWatch = mockClient(client)
    cloudWatch.on(GetMetricDataCommand).callsFake(async () => ({ MetricDataResults: respond() }))
    const clock = { now: NOW }
    return { cloudWatch, clock, read: metricsReader(sources, client, () => clock.now) }
  }

  test('concurrent calls, and calls within five seconds, share one request', async () => {
    const { cloudWatch, clock, read } = readerOver(() => [result('count_accepted', { '12:30': 3 })])
    const [first, second] = await Promise.all([read(), read()])
    clock.now += 4_999
    expect([second, await read(), cloudWatch.calls().length]).toEqual([first, first, 1])
    expect(first?.perMinute['accepted']?.at(-1)).toBe(3)
    clock.now += MINUTE
    expect((await read()).minutes.at(-1)).toBe('2026-01-31T12:31:00.000Z')
    expect(cloudWatch.calls()).toHaveLength(2)
  })

  test('a failure is thrown and not cached', async () => {
    let down = true
    const { read } = readerOver(() => {
      if (down) throw new Error('CloudWatch is down.')
      return []
    })
    await expect(read()).rejects.toThrow('CloudWatch is down.')
    down = false
    expect((await read()).minutes).toHaveLength(60)
  })
})

describe('the lags of the stores', () => {
  const FOLDED = result('time_folded', { '12:29': 2 })

  test('OpenSearch has the lag of the slower of the two functions that write to it', async () => {
    const metrics = metricsOf(FOLDED, result('time_documents', { '12:29': 4 }), result('time_rawEvents', { '12:29': 9 }))
    expect(await lagsReader(async () => metrics)()).toEqual({ state: 2, archive: null, search: 9 })
  })

  test('are read once a minute, whatever the number of calls', async () => {
    let reads = 0
    const clock = { now: NOW }
    const metrics = async () => {
      reads += 1
      return metricsOf(FOLDED)
    }
    const read = lagsReader(metrics, () => clock.now)
    await Promise.all([read(), read()])
    clock.now += 59_999
    expect([(await read())['state'], reads]).toEqual([2, 1])
    clock.now += 1
    await read()
    expect(reads).toBe(2)
  })

  test('are unknown while CloudWatch does not respond', async () => {
    expect(await lagsReader(() => Promise.reject(new Error('down')))()).toEqual({})
    expect(await lagsReader(() => new Promise(() => undefined))()).toEqual({})
  })
})
