import type { CloudWatchClient, MetricDataResult } from '@aws-sdk/client-cloudwatch'
import { flowReader, lagsReader } from '../../lambdas/query/cloudwatch.ts'
import { describeFlow, type FlowQuery, planFlow } from '../../lambdas/query/metrics.ts'

const watched = { namespace: 'millrace-dev', deliveryStream: 'archive' }
const NOW = Date.UTC(2026, 0, 31, 12, 30, 30)
const MINUTE = 60_000
const minute = (text: string): Date => new Date(`2026-01-31T${text}:00Z`)
const result = (Id: string, points: Readonly<Record<string, number>>): MetricDataResult => ({
  Id,
  // CloudWatch answers with the newest first.
  Timestamps: Object.keys(points).map(minute).reverse(),
  Values: Object.values(points).reverse(),
})

test('the last hour is asked for by minutes, to the end of the one that is not over', () => {
  const { StartTime, EndTime, MetricDataQueries } = planFlow(watched, NOW)
  expect([StartTime, EndTime]).toEqual([minute('11:31'), minute('12:31')])
  expect(planFlow(watched, EndTime.getTime()).StartTime).toEqual(minute('11:32'))
  expect(MetricDataQueries).toHaveLength(10)
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

test('every metric is asked for under an id of its own, as CloudWatch wants ids', () => {
  const ids = planFlow(watched, NOW).MetricDataQueries.map(({ Id }) => Id ?? '')
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.filter(id => !/^[a-z]\w*$/.test(id))).toEqual([])
})

const flowOf = (...results: MetricDataResult[]) => describeFlow(planFlow(watched, NOW), watched, results)

test('each minute has its value, and a minute without data had nothing', () => {
  const { minutes, perMinute } = flowOf(result('count_accepted', { '11:31': 5, '12:29': 7, '12:30': 1 }))
  expect([minutes.length, minutes[0], minutes.at(-1)]).toEqual([60, '2026-01-31T11:31:00.000Z', '2026-01-31T12:30:00.000Z'])
  const nothing = (count: number): number[] => Array.from({ length: count }, () => 0)
  expect(perMinute['accepted']).toEqual([5, ...nothing(57), 7, 1])
  expect(perMinute['folded']).toEqual(nothing(60))
})

test('how far a part is behind is the newest that is known, and null where nothing was done lately', () => {
  const { lagSeconds } = flowOf(
    result('time_folded', { '12:10': 90, '12:29': 2 }),
    result('time_documents', {}),
    result('count_rawEvents', { '12:30': 9 }),
  )
  expect(lagSeconds).toEqual({ folded: 2, documents: null, rawEvents: null, archived: null })
})

test('without any data every part is there', () => {
  const { perMinute, lagSeconds } = flowOf()
  expect(Object.keys(perMinute)).toEqual(['accepted', 'quarantined', 'folded', 'documents', 'rawEvents', 'archived'])
  expect(Object.values(lagSeconds)).toEqual([null, null, null, null])
})

describe('reading', () => {
  const reading = (answer: () => MetricDataResult[]) => {
    const asked: FlowQuery[] = []
    const clock = { now: NOW }
    const send = async ({ input }: { input: FlowQuery }) => {
      asked.push(input)
      return { MetricDataResults: answer() }
    }
    return { asked, clock, read: flowReader(watched, { send } as unknown as CloudWatchClient, () => clock.now) }
  }

  test('those who ask at once, or within five seconds, share an answer', async () => {
    const { asked, clock, read } = reading(() => [result('count_accepted', { '12:30': 3 })])
    const [first, second] = await Promise.all([read(), read()])
    clock.now += 4_999
    expect([second, await read(), asked.length]).toEqual([first, first, 1])
    expect(first?.perMinute['accepted']?.at(-1)).toBe(3)
    clock.now += MINUTE
    expect((await read()).minutes.at(-1)).toBe('2026-01-31T12:31:00.000Z')
    expect(asked).toHaveLength(2)
  })

  test('a failure is told, and the next who asks is answered anew', async () => {
    let down = true
    const { read } = reading(() => {
      if (down) throw new Error('CloudWatch is away.')
      return []
    })
    await expect(read()).rejects.toThrow('CloudWatch is away.')
    down = false
    expect((await read()).minutes).toHaveLength(60)
  })
})

describe('how far the stores are behind', () => {
  const FOLDED = result('time_folded', { '12:29': 2 })

  test('OpenSearch is as far behind as the slower of the two that write to it', async () => {
    const flow = flowOf(FOLDED, result('time_documents', { '12:29': 4 }), result('time_rawEvents', { '12:29': 9 }))
    expect(await lagsReader(async () => flow)()).toEqual({ state: 2, archive: null, search: 9 })
  })

  test('is asked once a minute, however many want to know', async () => {
    let asked = 0
    const clock = { now: NOW }
    const flow = async () => {
      asked += 1
      return flowOf(FOLDED)
    }
    const read = lagsReader(flow, () => clock.now)
    await Promise.all([read(), read()])
    clock.now += 59_999
    expect([(await read())['state'], asked]).toEqual([2, 1])
    clock.now += 1
    await read()
    expect(asked).toBe(2)
  })

  test('is not known while CloudWatch does not answer', async () => {
    expect(await lagsReader(() => Promise.reject(new Error('away')))()).toEqual({})
    expect(await lagsReader(() => new Promise(() => undefined))()).toEqual({})
  })
})
