import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { dynamodbOf, s3Of } from '../../cli/clients.ts'
import { listObjects, readParquet } from '../../cli/parquet.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { quarantineStore } from '../../lambdas/quarantine/dynamodb.ts'
import { ARCHIVE_ERROR_PREFIX, ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { MAX_EVENTS_PER_REQUEST } from '../../shared/limits.ts'
import { BUNDLES_PREFIX, DISCARDED_PREFIX, type QuarantinedEvent } from '../../shared/quarantine.ts'
import { toLine } from '../../shared/stream-record.ts'
import { aVisit } from '../fixtures/builders.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { quarantinedItems, untilSettled } from '../fixtures/thread.ts'

const MINUTES = 60_000
const SETTLE_SECONDS = 120
/** Two days ago, to the millisecond, so that no other run has it. */
const RECEIVED = Date.now() - 2 * 86_400_000
const instant = (milliseconds: number): string => new Date(milliseconds).toISOString()
const catalogue = new Map(eventTypes.map(type => [type.name, type]))

let target: Target
beforeAll(async () => {
  target = await findTarget(undefined)
})

interface Totals {
  readonly replayed: number
  readonly refused: number
}
const replay = (...options: string[]): Promise<Totals> => millraceJson<Totals>('quarantine', 'replay', ...options)
const urlsOf = async (user: number): Promise<unknown> => {
  const { states } = await millraceJson<{ states: Record<string, { last_5_urls: unknown }> }>('user', String(user))
  return states['recent-urls']?.last_5_urls
}

/** Quarantines an event as one that an older catalogue rejected. */
function quarantine(event: Partial<QuarantinedEvent>): Promise<void> {
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const store = quarantineStore(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target))
  const facts = { code: 'invalid_event', message: 'No.', type: 'page_visit', id: null, keyName: 'old', form: 'envelope' } as const
  return store.add([{ ...facts, received: RECEIVED, body: '{}', ...event }])
}

/** The rows of the archive with this id. */
async function archived(id: string): Promise<Record<string, unknown>[]> {
  const bucket = target.outputs.ArchiveBucket
  const objects = await listObjects(s3Of(target), bucket, ARCHIVE_PREFIX)
  const rows = await Promise.all(objects.map(object => readParquet(s3Of(target), bucket, object)))
  return rows.flat().filter(row => row['event_id'] === id)
}

test(
  'a rejected event that is valid now is replayed once with its original arrival time; one that is still invalid stays with its new reason',
  async () => {
    const user = Date.now()
    const [good, bad] = [`replay-${user}`, `wrong-${user}`]
    const filter = ['--since', instant(RECEIVED), '--until', instant(RECEIVED + 1), '--type', 'page_visit']
    await quarantine({
      id: good,
      body: JSON.stringify({ id: good, type: 'page_visit', data: { Id: user, Url: '/again', Timestamp: 5 } }),
    })
    await quarantine({ id: bad, body: JSON.stringify({ id: bad, type: 'page_visit', data: { Id: user, Url: 7, Timestamp: 5 } }) })

    expect(await replay('--dry-run', ...filter)).toEqual({ replayed: 1, refused: 1 })
    expect((await quarantinedItems()).items.filter(({ id }) => id === good || id === bad)).toHaveLength(2)

    expect(await replay(...filter)).toEqual({ replayed: 1, refused: 1 })
    expect(await replay(...filter)).toEqual({ replayed: 0, refused: 1 })
    expect((await quarantinedItems()).items.filter(({ id }) => id === good || id === bad)).toMatchObject([
      { id: bad, message: 'Url must be a string, not a number.' },
    ])
    await untilSettled(SETTLE_SECONDS)
    expect(await urlsOf(user)).toEqual(['/again'])
    expect(await archived(good)).toMatchObject([{ source: 'old', received_time_us: BigInt(RECEIVED) * 1000n }])
  },
  5 * MINUTES,
)

test(
  'records that Lambda and Firehose discarded are quarantined once, and a replay brings them to the store that missed them',
  async () => {
    const user = Date.now()
    const visit = (id: string, url: string) => {
      const event = aVisit(url, 5, { id: `${id}-${user}`, subject: String(user), received: user })
      return toLine(event, catalogue.get(event.type))
    }
    const [unread, unarchived] = [visit('unread', '/unread'), visit('unarchived', '/unarchived')]
    await putObject(target.outputs.QuarantineBucket, `${DISCARDED_PREFIX}mapping/shard/${user}`, discardedBatch(unread, user))
    await putObject(
      target.outputs.ArchiveBucket,
      `${ARCHIVE_ERROR_PREFIX}format-conversion-failed/${user}`,
      deliveryError(unarchived),
    )

    const itemsOfRun = async () => (await quarantinedItems()).items.filter(({ id }) => id?.endsWith(`-${user}`))
    expect((await itemsOfRun()).map(({ id, code }) => [id, code]).sort()).toEqual([
      [`unarchived-${user}`, 'not_archived'],
      [`unread-${user}`, 'record_unread'],
    ])
    expect(await keysUnder(target.outputs.QuarantineBucket, DISCARDED_PREFIX)).toEqual([])
    expect(await keysUnder(target.outputs.ArchiveBucket, ARCHIVE_ERROR_PREFIX)).toEqual([])
    // The same record again, as after a function that failed before it deleted the object: still one event.
    await putObject(target.outputs.QuarantineBucket, `${DISCARDED_PREFIX}mapping/shard/${user}`, discardedBatch(unread, user))
    expect((await itemsOfRun()).map(({ count }) => count)).toEqual([1, 1])

    expect(await replay('--since', instant(user), '--until', instant(user + 1))).toEqual({ replayed: 2, refused: 0 })
    expect(await itemsOfRun()).toEqual([])
    await untilSettled(SETTLE_SECONDS)
    expect(await urlsOf(user)).toEqual(['/unread'])
    expect(await archived(`unarchived-${user}`)).toHaveLength(1)
    expect(await archived(`unread-${user}`)).toHaveLength(1)
  },
  5 * MINUTES,
)

test(
  'a request with thousands of bad lines gets a response in time, and all of them are quarantined as one bundle',
  async () => {
    const bundles = (await keysUnder(target.outputs.QuarantineBucket, BUNDLES_PREFIX)).length
    const lines = Array.from({ length: 6_000 }, (_, i) => `bad ${Date.now()} ${i}`)
    const started = Date.now()
    expect(await post('/v1/events', lines)).toEqual([200, 0, lines.length])
    const codes = async () =>
      (await quarantinedItems()).items.filter(({ received }) => received >= started).map(({ code }) => code)
    const bad = lines.map((_, i) => (i < MAX_EVENTS_PER_REQUEST ? 'malformed_json' : 'too_many_events'))
    expect((await codes()).sort()).toEqual(bad)
    expect(await keysUnder(target.outputs.QuarantineBucket, BUNDLES_PREFIX)).toHaveLength(bundles + 1)
    expect(await millraceJson('quarantine', 'discard', '--since', instant(started))).toMatchObject({ kept: 0 })
    expect(await codes()).toEqual([])
    expect(await keysUnder(target.outputs.QuarantineBucket, BUNDLES_PREFIX)).toHaveLength(bundles)
  },
  5 * MINUTES,
)

test(
  'events of a bundle are listed, shown, replayed and discarded as those of the table are',
  async () => {
    const run = Date.now()
    const row = (n: number) => JSON.stringify({ Id: run, Url: n, Timestamp: n, event_id: `b${run}-${n}` })
    const ofRun = async () => (await quarantinedItems()).items.filter(({ id }) => id?.startsWith(`b${run}-`))
    const rows = Array.from({ length: 40 }, (_, n) => row(n))
    expect(await post('/v1/events/page_visit', rows)).toEqual([200, 0, 40])
    expect(await post('/v1/events/page_visit', rows)).toEqual([200, 0, 40])
    expect(await post('/v1/events/page_visit', [...rows.slice(0, 3), row(99)])).toEqual([200, 0, 4])
    const listed = await ofRun()
    expect(listed).toHaveLength(41)
    expect(Object.fromEntries(listed.map(({ id, count }) => [id?.split('-')[1], count]))).toMatchObject({ 0: 3, 3: 2, 99: 1 })

    const shown = await millraceJson<Record<string, unknown>>(
      'quarantine',
      'show',
      listed.find(({ id }) => id?.endsWith('-7'))?.key ?? '',
    )
    expect(shown).toMatchObject({ id: `b${run}-7`, count: 2, code: 'invalid_event', body: expect.stringContaining(`"Url":7`) })
    const data = await rowsOfApi('invalid_event')
    const mine = data.filter(({ id }) => id?.startsWith(`b${run}-`))
    expect(mine).toHaveLength(41)
    expect(mine.find(({ id }) => id === `b${run}-0`)).toMatchObject({ count: 3, sample: expect.stringContaining(`"Url":0`) })

    const filter = ['--since', instant(run), '--type', 'page_visit']
    expect(await replay('--dry-run', ...filter)).toEqual({ replayed: 0, refused: 41 })
    expect(await replay(...filter)).toEqual({ replayed: 0, refused: 41 })
    expect(Object.fromEntries((await ofRun()).map(({ id, count }) => [id?.split('-')[1], count]))).toMatchObject({ 0: 3, 3: 2 })
    expect(await millraceJson('quarantine', 'discard', ...filter)).toEqual({ discarded: 41, kept: 0 })
    expect(await ofRun()).toEqual([])
  },
  5 * MINUTES,
)

interface ApiRow {
  readonly id: string | null
  readonly count: number
  readonly sample: string
}

/** All rows of the API with a code. */
async function rowsOfApi(code: string): Promise<ApiRow[]> {
  const rows: ApiRow[] = []
  const headers = { authorization: `Bearer ${target.key('admin')}` }
  let cursor: string | null = null
  do {
    const query: string = new URLSearchParams({ code, limit: '1000', ...(cursor && { cursor }) }).toString()
    const response = await fetch(`${target.apiUrl}/v1/quarantine?${query}`, { headers })
    const page = (await response.json()) as { data: ApiRow[]; cursor: string | null }
    rows.push(...page.data)
    cursor = page.cursor
  } while (cursor)
  return rows
}

/** Sends lines. Returns the status and how many were accepted and quarantined. */
async function post(path: string, lines: readonly string[]): Promise<[number, number, number]> {
  const response = await fetch(`${target.apiUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${target.key('write')}`, 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  const { accepted, quarantined } = (await response.json()) as { accepted: number; quarantined: unknown[] }
  return [response.status, accepted, quarantined.length]
}

test(
  'show prints a quarantined event with all that was sent; an unknown key is an error of one line',
  async () => {
    await quarantine({ body: '{"shown":"\u{1f600}"}' })
    const item = (await quarantinedItems()).items.find(({ keyName, received }) => keyName === 'old' && received === RECEIVED)
    const shown = await millrace(['quarantine', 'show', item?.key ?? ''])
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toContain(item?.key)
    expect(await millrace(['quarantine', 'show', 'zz'])).toMatchObject({
      code: 1,
      stderr: 'No quarantined event has the key zz. List the keys with `npx millrace quarantine list`.\n',
    })
  },
  MINUTES,
)

const putObject = (Bucket: string, Key: string, Body: string) => s3Of(target).send(new PutObjectCommand({ Bucket, Key, Body }))

async function keysUnder(Bucket: string, Prefix: string): Promise<(string | undefined)[]> {
  const { Contents = [] } = await s3Of(target).send(new ListObjectsV2Command({ Bucket, Prefix }))
  return Contents.map(({ Key }) => Key)
}

/** A batch of one record that arrived at a time, as Lambda writes it to an S3 failure destination. */
const discardedBatch = (line: string, arrived: number): string =>
  JSON.stringify({
    requestContext: { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:state', condition: 'RetryAttemptsExhausted' },
    version: '1.0',
    timestamp: new Date().toISOString(),
    KinesisBatchInfo: { shardId: 'shardId-000000000000', batchSize: 1 },
    payload: {
      Records: [
        {
          eventSource: 'aws:kinesis',
          kinesis: {
            sequenceNumber: String(arrived).padStart(56, '4'),
            data: Buffer.from(`${line}\n`).toString('base64'),
            approximateArrivalTimestamp: arrived / 1000,
          },
        },
      ],
    },
  })

/** One record, as Firehose writes it under its error prefix. */
const deliveryError = (line: string): string =>
  `${JSON.stringify({
    attemptsMade: 1,
    arrivalTimestamp: Date.now(),
    errorCode: 'DataFormatConversion.InvalidSchema',
    rawData: Buffer.from(`${line}\n`).toString('base64'),
  })}\n`
