import type { PutRecordsCommand } from '@aws-sdk/client-kinesis'
import fc from 'fast-check'
import { type PutDependencies, putRecords } from '../../lambdas/ingest/kinesis.ts'
import { rangesByShard, type StreamPosition, type StreamRecord } from '../../lambdas/ingest/plan-records.ts'

/** What befalls one call. */
type Fate =
  | { readonly kind: 'stored' }
  /** Kinesis refuses every record whose place modulo `every` is 0, and stores the others, last to first. */
  | { readonly kind: 'throttled'; readonly every: number }
  /** All is stored, but nobody hears of it. */
  | { readonly kind: 'answer lost' }
  /** The call never arrives. */
  | { readonly kind: 'unreachable' }

const fates: fc.Arbitrary<Fate> = fc.oneof(
  fc.constant({ kind: 'stored' } as const),
  fc.record({ kind: fc.constant('throttled' as const), every: fc.integer({ min: 1, max: 3 }) }),
  fc.constant({ kind: 'answer lost' } as const),
  fc.constant({ kind: 'unreachable' } as const),
)

/** A record in the stream. */
interface Stored {
  readonly user: string
  readonly text: string
  readonly place: StreamPosition
}

const CALL_MS = 300
const PATIENCE_MS = 16_000

/** A stream that meets these fates, one a call, and is healthy or down after them; time passes only in it. */
function world(ahead: readonly Fate[], then: Fate) {
  const stored: Stored[] = []
  let time = 0
  let calls = 0
  let given = 0
  const send = async ({ input }: PutRecordsCommand) => {
    const fate = ahead[calls] ?? then
    calls += 1
    time += CALL_MS
    if (fate.kind === 'unreachable') throw Object.assign(new Error('connect ECONNREFUSED'), { name: 'Error' })
    const records = (input.Records ?? []).map(({ PartitionKey: user = '', Data }) => ({
      user,
      text: Buffer.from(Data ?? []).toString(),
    }))
    const isRefused = (i: number) => fate.kind === 'throttled' && i % fate.every === 0
    const placed = records.map((record, i) => {
      given += 1
      return { ...record, refused: isRefused(i), place: { shard: `shard-${record.user}`, sequence: String(given) } }
    })
    stored.push(...placed.filter(({ refused }) => !refused).reverse())
    if (fate.kind === 'answer lost') throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' })
    const answer = ({ refused, place }: (typeof placed)[number]) =>
      refused ? { ErrorCode: 'ProvisionedThroughputExceededException' } : { ShardId: place.shard, SequenceNumber: place.sequence }
    return { Records: placed.map(answer) }
  }
  const putting = {
    client: { send } as unknown as PutDependencies['client'],
    now: () => time,
    wait: async (milliseconds: number) => {
      time += milliseconds
    },
  }
  return { putting, stored, elapsed: () => time, calls: () => calls }
}

const record = (partitionKey: string, n: number): StreamRecord => ({ partitionKey, data: `${n}`, bytes: 1 })
const requests = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 30 }).map(users => users.map(record))

/** The records of each user in the order in which the stream first has them: what its readers make of repetitions. */
const firsts = (stored: readonly Pick<Stored, 'user' | 'text'>[]): Map<string, string[]> => {
  const users = new Map<string, string[]>()
  for (const { user, text } of stored) users.set(user, [...new Set([...(users.get(user) ?? []), text])])
  return users
}
const sent = (records: readonly StreamRecord[]) =>
  firsts(records.map(({ partitionKey, data }) => ({ user: partitionKey, text: data })))

test('whatever befalls the calls: every record is stored, and each user’s in their order', async () => {
  const run = fc.asyncProperty(requests, fc.array(fates, { maxLength: 8 }), async (records, ahead) => {
    const { putting, stored } = world(ahead, { kind: 'stored' })
    const places = await putRecords('stream', records, putting)
    expect(firsts(stored)).toEqual(sent(records))
    const telemetry = places.map(place => stored.find(record => isSame(record.place, place)))
    expect(telemetry.map(record => record?.text).sort()).toEqual(records.map(({ data }) => data).sort())
  })
  await fc.assert(run, { numRuns: 2_000 })
})

const isSame = (a: StreamPosition, b: StreamPosition): boolean => a.shard === b.shard && a.sequence === b.sequence

test('places are told by shard from the first to the last, whatever their order, and by value: they have up to 56 digits', () => {
  const place = (shard: string, sequence: string): StreamPosition => ({ shard, sequence })
  const [short, long] = ['9'.repeat(55), `1${'0'.repeat(55)}`]
  expect(rangesByShard([place('s1', long), place('s2', '5'), place('s1', short), place('s1', `${long.slice(0, -1)}1`)])).toEqual([
    { shard: 's1', from: short, to: `${long.slice(0, -1)}1` },
    { shard: 's2', from: '5', to: '5' },
  ])
})

test('a stream that stays away is given up in time, and of no user a later record is stored without the earlier', async () => {
  const away = fc.constantFrom<Fate>({ kind: 'unreachable' }, { kind: 'answer lost' }, { kind: 'throttled', every: 1 })
  const run = fc.asyncProperty(requests, fc.array(fates, { maxLength: 8 }), away, async (records, ahead, then) => {
    const { putting, stored, elapsed } = world(ahead, then)
    await putRecords('stream', records, putting).catch(() => undefined)
    for (const [user, texts] of firsts(stored)) expect(sent(records).get(user)?.slice(0, texts.length)).toEqual(texts)
    expect(elapsed()).toBeLessThan(PATIENCE_MS + 5_000)
  })
  await fc.assert(run, { numRuns: 500 })
})

test('a stream that is away says so, with the last trouble as its cause', async () => {
  const { putting } = world([], { kind: 'unreachable' })
  await expect(putRecords('stream', [record('a', 1)], putting)).rejects.toMatchObject({
    message: 'Kinesis did not store 1 of 1 records before the deadline.',
    cause: { message: 'connect ECONNREFUSED' },
  })
})

test('what waiting cannot mend is not tried again', async () => {
  const denied = Object.assign(new Error('not authorised'), { name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } })
  let calls = 0
  const send = async () => {
    calls += 1
    throw denied
  }
  const putting = { ...world([], { kind: 'stored' }).putting, client: { send } as unknown as PutDependencies['client'] }
  await expect(putRecords('stream', [record('a', 1)], putting)).rejects.toBe(denied)
  expect(calls).toBe(1)
})

test('a healthy stream is asked once a round', async () => {
  const { putting, calls } = world([], { kind: 'stored' })
  await putRecords('stream', [record('a', 1), record('b', 2), record('a', 3)], putting)
  expect(calls()).toBe(2)
})
