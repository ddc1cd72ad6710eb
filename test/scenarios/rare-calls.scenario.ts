// What functions call in rare cases only, so that the recording of their calls has it.
import { randomBytes, randomUUID } from 'node:crypto'
import { PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { dynamodbOf, kinesisOf, s3Of } from '../../cli/clients.ts'
import { invoke } from '../../cli/invoke.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { quarantineStore } from '../../lambdas/quarantine/dynamodb.ts'
import { BODIES_PREFIX, type QuarantinedEvent, quarantineKey, unrecognisedLine } from '../../shared/quarantine.ts'
import { unmergedText } from '../../shared/unmerged-delta.ts'
import { millraceJson } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { quarantinedItems } from '../fixtures/thread.ts'

const MINUTES = 60_000
/** More random bytes than a quarantined item may have after compression. */
const LARGE_BYTES = 400_000

let target: Target
let run: string
beforeAll(async () => {
  target = await findTarget(undefined)
  run = randomUUID()
})

const post = (key: string, body: string): Promise<Response> =>
  fetch(`${target.apiUrl}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
    body,
  })

/** Quarantines an event that nothing else in the local cloud causes. */
function quarantine(event: Pick<QuarantinedEvent, 'code' | 'body'>): Promise<void> {
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const store = quarantineStore(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target))
  return store.add([
    { message: 'No.', type: 'page_visit', id: null, keyName: run, received: Date.now(), form: 'envelope', ...event },
  ])
}

const itemsOfRun = async () => (await quarantinedItems()).items.filter(({ keyName }) => keyName === run)

const bodies = async (): Promise<number> => {
  const inBucket = { Bucket: target.outputs.QuarantineBucket, Prefix: BODIES_PREFIX }
  return (await s3Of(target).send(new ListObjectsV2Command(inBucket))).KeyCount ?? 0
}

/** Replays the only event of this run. */
async function replay(): Promise<unknown> {
  const [item, ...others] = await itemsOfRun()
  expect(others).toEqual([])
  return millraceJson('quarantine', 'replay', item?.key ?? '')
}

/** White space that does not compress well. */
const blanks = (): string =>
  [...randomBytes(LARGE_BYTES)].map(byte => byte.toString(2).padStart(8, '0').replaceAll('0', ' ').replaceAll('1', '\t')).join('')

test(
  'a body that is too large for the table is in the bucket until its event has been replayed',
  async () => {
    const before = await bodies()
    const visit = { id: run, type: 'page_visit', data: { Id: Date.now(), Url: '/large', Timestamp: 5 } }
    await quarantine({ code: 'invalid_event', body: `${blanks()}${JSON.stringify(visit)}` })
    expect(await bodies()).toBe(before + 1)
    expect(await replay()).toEqual({ replayed: 1, refused: 0 })
    expect(await bodies()).toBe(before)
  },
  2 * MINUTES,
)

test(
  'a replay writes a rejected document, and leaves a delta that its window has not reached',
  async () => {
    // A document of a user without an item is that of an erased user.
    await post(target.key('write'), JSON.stringify({ type: 'user_traits', id: run, data: { user_id: run, traits: {} } }))
    const headers = { authorization: `Bearer ${target.key('read')}` }
    const user = `${target.apiUrl}/v1/users/${run}`
    await eventually('the user has an item', async () => (await fetch(user, { headers })).status === 200, 60)

    const document = { action: 'index', index: 'recent-urls-r1', id: run, version: 1, document: { id: 0, last_5_urls: [] } }
    await quarantine({ code: 'document_refused', body: JSON.stringify(document) })
    expect(await replay()).toEqual({ replayed: 1, refused: 0 })
    const found = await fetch(`${target.outputs.OpenSearchUrl}/recent-urls-r1/_doc/${run}`)
    expect(found.status).toBe(200)
    await fetch(`${target.outputs.OpenSearchUrl}/recent-urls-r1/_doc/${run}`, { method: 'DELETE' })

    const delta = { projection: 'country-minutes-r1', user: run, start: Date.now(), order: 1, state: {} }
    await quarantine({ code: 'not_merged', body: unmergedText(delta) })
    expect(await replay()).toEqual({ replayed: 0, refused: 1 })
    expect(await itemsOfRun()).toHaveLength(1)
  },
  2 * MINUTES,
)

test(
  'a key whose daily quota is spent is rejected, and the topic of the alarms gets a message',
  async () => {
    const { key } = await millraceJson<{ key: string }>(
      'keys',
      'create',
      `spent-${run}`,
      '--scope',
      'write',
      '--quota',
      '100/minute,1/day',
    )
    const event = JSON.stringify({ type: `note-${run}`, id: run, subject: run })
    await eventually('the quota is spent', async () => (await post(key, event)).status === 429, 60)
  },
  2 * MINUTES,
)

test(
  'a line of the stream that ingest did not write is quarantined, also as one that Firehose could not convert',
  async () => {
    const line = `stray ${run}`
    const Records = [{ PartitionKey: run, Data: Buffer.from(`${line}\n`) }]
    await kinesisOf(target).send(new PutRecordsCommand({ StreamName: target.outputs.StreamName, Records }))
    const key = quarantineKey(unrecognisedLine(line, 0))
    const counted = async () => (await quarantinedItems()).items.find(item => item.key === key)?.count ?? 0
    await eventually('it is counted twice', async () => (await counted()) >= 2, 90)
  },
  2 * MINUTES,
)

test('set-up deletes the raw events of a day that is over, and the API lists the quarantine and the events of all types', async () => {
  const index = `${target.outputs.OpenSearchUrl}/events-reading-2001.01.01`
  expect((await fetch(index, { method: 'PUT' })).status).toBe(200)
  await invoke(target, target.outputs.SetUpFunction, {})
  expect((await fetch(index, { method: 'HEAD' })).status).toBe(404)

  const headers = { authorization: `Bearer ${target.key('admin')}` }
  for (const path of ['quarantine', 'events?limit=1'])
    expect((await fetch(`${target.apiUrl}/v1/${path}`, { headers })).status).toBe(200)
})
