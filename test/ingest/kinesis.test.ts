import { KinesisClient, PutRecordsCommand, type PutRecordsCommandInput } from '@aws-sdk/client-kinesis'
import { mockClient } from 'aws-sdk-client-mock'
import fc from 'fast-check'
import { putRecords } from '../../lambdas/ingest/kinesis.ts'
import { rangesByShard, type StreamPosition, type StreamRecord } from '../../lambdas/ingest/plan-records.ts'

/** What happens to one PutRecords call. */
type CallOutcome =
  | { readonly kind: 'stored' }
  /** Kinesis rejects every record whose index modulo `every` is 0, and stores the others, last to first. */
  | { readonly kind: 'throttled'; readonly every: number }
  /** All records are stored, but the response is lost. */
  | { readonly kind: 'response lost' }
  /** The call never arrives. */
  | { readonly kind: 'unreachable' }

const callOutcomes: fc.Arbitrary<CallOutcome> = fc.oneof(
  fc.constant({ kind: 'stored' } as const),
  fc.record({ kind: fc.constant('throttled' as const), every: fc.integer({ min: 1, max: 3 }) }),
  fc.constant({ kind: 'response lost' } as const),
  fc.constant({ kind: 'unreachable' } as const),
)

/** A record in the stream. */
interface StoredRecord {
  readonly user: string
  readonly text: string
  readonly position: StreamPosition
}

/** How Kinesis rejects a call with a record that it never accepts. */
const refusal = Object.assign(new Error('Member must have length less than 1048576'), {
  name: 'ValidationException',
  $metadata: { httpStatusCode: 400 },
})

const CALL_MS = 300
const REQUEST_DEADLINE_MS = 16_000

const client = new KinesisClient({ region: 'any' })
const kinesis = mockClient(client)

/** A stream whose calls have these outcomes, one each, and then all the last one. Its clock advances only with calls and waits. */
function fakeStream(outcomes: readonly CallOutcome[], afterwards: CallOutcome, poisoned: ReadonlySet<string> = new Set()) {
  const stored: StoredRecord[] = []
  let time = 0
  let calls = 0
  let sequence = 0
  const put = async ({ Records = [] }: PutRecordsCommandInput) => {
    const outcome = outcomes[calls] ?? afterwards
    calls += 1
    time += CALL_MS
    if (Records.some(({ Data }) => poisoned.has(Buffer.from(Data ?? []).toString()))) throw refusal
    if (outcome.kind === 'unreachable') throw Object.assign(new Error('connect ECONNREFUSED'), { name: 'Error' })
    const attempts = Records.map(({ PartitionKey: user = '', Data }, i) => {
      sequence += 1
      const position = { shard: `shard-${user}`, sequence: String(sequence) }
      const throttled = outcome.kind === 'throttled' && i % outcome.every === 0
      return { user, text: Buffer.from(Data ?? []).toString(), position, throttled }
    })
    stored.push(...attempts.filter(({ throttled }) => !throttled).reverse())
    if (outcome.kind === 'response lost') throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' })
    return { Records: attempts.map(resultOf) }
  }
  kinesis.reset()
  kinesis.on(PutRecordsCommand).callsFake(put)
  const wait = async (milliseconds: number) => {
    time += milliseconds
  }
  return { dependencies: { client, now: () => time, wait }, stored, elapsed: () => time, calls: () => calls }
}

const resultOf = ({ throttled, position }: { throttled: boolean; position: StreamPosition }) =>
  throttled
    ? { ErrorCode: 'ProvisionedThroughputExceededException' }
    : { ShardId: position.shard, SequenceNumber: position.sequence }

const record = (partitionKey: string, n: number): StreamRecord => ({ partitionKey, data: `${n}`, bytes: 1 })
const requests = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 30 }).map(users => users.map(record))

/** The records of each user in stream order without repetitions, as the stream's readers see them. */
const deduplicated = (records: readonly Pick<StoredRecord, 'user' | 'text'>[]): Map<string, string[]> => {
  const users = new Map<string, string[]>()
  for (const { user, text } of records) users.set(user, [...new Set([...(users.get(user) ?? []), text])])
  return users
}
const expected = (records: readonly StreamRecord[]) =>
  deduplicated(records.map(({ partitionKey, data }) => ({ user: partitionKey, text: data })))

test('every record is stored and each user’s records stay in order, whatever fails', async () => {
  const run = fc.asyncProperty(requests, fc.array(callOutcomes, { maxLength: 8 }), async (records, outcomes) => {
    const { dependencies, stored } = fakeStream(outcomes, { kind: 'stored' })
    const { positions } = await putRecords('stream', records, dependencies)
    expect(deduplicated(stored)).toEqual(expected(records))
    const found = positions.map(position => stored.find(record => isSame(record.position, position)))
    expect(found.map(record => record?.text).sort()).toEqual(records.map(({ data }) => data).sort())
  })
  await fc.assert(run, { numRuns: 2_000 })
})

const isSame = (a: StreamPosition, b: StreamPosition): boolean => a.shard === b.shard && a.sequence === b.sequence

test('ranges go from the lowest to the highest sequence number of a shard, compared by value: they have up to 56 digits', () => {
  const position = (shard: string, sequence: string): StreamPosition => ({ shard, sequence })
  const [short, long] = ['9'.repeat(55), `1${'0'.repeat(55)}`]
  const higher = `${long.slice(0, -1)}1`
  const positions = [position('s1', long), position('s2', '5'), position('s1', short), position('s1', higher)]
  expect(rangesByShard(positions)).toEqual([
    { shard: 's1', from: short, to: higher },
    { shard: 's2', from: '5' },
  ])
})

test('an unavailable stream fails at the deadline; no user’s record is stored without the earlier ones', async () => {
  const down = fc.constantFrom<CallOutcome>({ kind: 'unreachable' }, { kind: 'response lost' }, { kind: 'throttled', every: 1 })
  const run = fc.asyncProperty(
    requests,
    fc.array(callOutcomes, { maxLength: 8 }),
    down,
    async (records, outcomes, afterwards) => {
      const { dependencies, stored, elapsed } = fakeStream(outcomes, afterwards)
      await putRecords('stream', records, dependencies).catch(() => undefined)
      for (const [user, texts] of deduplicated(stored)) expect(expected(records).get(user)?.slice(0, texts.length)).toEqual(texts)
      expect(elapsed()).toBeLessThan(REQUEST_DEADLINE_MS + 5_000)
    },
  )
  await fc.assert(run, { numRuns: 500 })
})

test('the error of an unavailable stream has the last failure as its cause', async () => {
  const { dependencies } = fakeStream([], { kind: 'unreachable' })
  await expect(putRecords('stream', [record('a', 1)], dependencies)).rejects.toMatchObject({
    message: 'Kinesis did not store 1 of 1 records before the deadline.',
    cause: { message: 'connect ECONNREFUSED' },
  })
})

test('a permanent error is not retried', async () => {
  const { dependencies } = fakeStream([], { kind: 'stored' })
  const denied = Object.assign(new Error('not authorised'), { name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } })
  kinesis.on(PutRecordsCommand).rejects(denied)
  await expect(putRecords('stream', [record('a', 1)], dependencies)).rejects.toBe(denied)
  expect(kinesis.calls()).toHaveLength(1)
})

test('a record that Kinesis never accepts is refused alone: all others are stored, in order', async () => {
  const run = fc.asyncProperty(requests, fc.uniqueArray(fc.nat({ max: 29 })), async (records, poison) => {
    const poisoned = new Set(poison.flatMap(n => records[n]?.data ?? []))
    const { dependencies, stored } = fakeStream([], { kind: 'stored' }, poisoned)
    const { positions, refused } = await putRecords('stream', records, dependencies)
    expect(refused.map(({ record }) => record.data).sort()).toEqual([...poisoned].sort())
    expect(refused.every(({ reason }) => reason === 'ValidationException')).toBe(true)
    const good = records.filter(({ data }) => !poisoned.has(data))
    expect([positions.length, stored.length]).toEqual([good.length, good.length])
    expect(deduplicated(stored)).toEqual(expected(good))
  })
  await fc.assert(run, { numRuns: 500 })
})

test('a healthy stream gets one call per round', async () => {
  const { dependencies, calls } = fakeStream([], { kind: 'stored' })
  await putRecords('stream', [record('a', 1), record('b', 2), record('a', 3)], dependencies)
  expect(calls()).toBe(2)
})
