import { type StreamTail, tailReader } from '../../cli/status/stream-tail.ts'
import { type StubSettings, throttlingKinesis } from '../fixtures/throttling-kinesis.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const arrivals = { from: START - 60_000, to: START }
const record = (sequenceNumber: string, arrived: number) => ({ sequenceNumber, partitionKey: 'p', data: '{}', arrived })

/** Reads a stub until the tail is complete, in the stub's time. */
async function readAll(settings: Partial<StubSettings>, to = arrivals.to) {
  let time = START
  const sleep = async (milliseconds: number) => {
    time += milliseconds
  }
  const clock = { now: () => time, sleep }
  const stub = await throttlingKinesis({ records: [], emptyPages: 0, productCalls: 4, now: clock.now, ...settings })
  try {
    const read = tailReader(stub.client, 'stream', { ...arrivals, to }, clock)
    const tails: StreamTail[] = []
    do tails.push(await read())
    while (!tails.at(-1)?.isComplete && tails.length < 100)
    return { tails, last: tails.at(-1), counts: stub.counts, seconds: (time - START) / 1000 }
  } finally {
    await stub.close()
  }
}

test('250 empty pages are read at one call a second, and no call of the product is throttled', async () => {
  const records = [record('1', START - 2_000), record('2', START - 1_000)]
  const { tails, last, counts, seconds } = await readAll({ records, emptyPages: 250 }, START + 600_000)
  expect(last?.records.map(({ record }) => record.SequenceNumber)).toEqual(['1', '2'])
  expect(counts).toEqual({ calls: 252, throttled: 0, productCalls: 1005, productThrottled: 0, iterators: ['AT_TIMESTAMP'] })
  expect(seconds).toBe(251)
  // A status without --wait shows what it has after ten calls.
  expect(tails[0]).toMatchObject({ records: [], isComplete: false })
})

test('a throttled call is repeated more slowly, from where it was', async () => {
  const records = [record('1', START - 1_000)]
  const { last, counts, seconds } = await readAll({ records, emptyPages: 20, busyAt: call => call % 3 === 0 }, START + 600_000)
  expect(last).toMatchObject({ isComplete: true })
  expect(last?.records).toHaveLength(1)
  expect(counts).toMatchObject({ calls: 32, throttled: 10, productThrottled: 0 })
  expect(counts.calls).toBeLessThanOrEqual(seconds + 1)
  expect(counts.iterators).toEqual(['AT_TIMESTAMP'])
})

test('what arrived later is not read, and of a busy shard only the newest records are kept', async () => {
  const many = Array.from({ length: 300 }, (_, n) => record(String(n + 1), START - 300 + n))
  const { last, counts } = await readAll({ records: [...many, record('late', START + 1)] })
  expect(last?.records).toHaveLength(100)
  expect(last?.records.at(-1)?.record.SequenceNumber).toBe('300')
  expect(counts.calls).toBe(1)
})

test('an error that waiting does not remove is thrown', async () => {
  const stub = await throttlingKinesis({ records: [], emptyPages: 0, productCalls: 0, now: () => START })
  await stub.close()
  const read = tailReader(stub.client, 'stream', arrivals, { now: () => START, sleep: async () => undefined })
  await expect(read()).rejects.toThrow('ECONNREFUSED')
})
