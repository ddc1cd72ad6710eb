import { randomBytes } from 'node:crypto'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { quarantineStore, requestQuarantine } from '../../lambdas/quarantine/dynamodb.ts'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { quarantineKey } from '../../shared/quarantine.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'

const DAY_MS = 86_400_000

/** A quarantine whose items expire after 90 days. DynamoDB has not deleted any of them yet. */
function expiring() {
  const clock = { now: 10 * DAY_MS }
  const { dynamodb, s3 } = quarantineStores()
  const now = () => clock.now
  const days = { days: 90, now }
  return { clock, store: quarantineStore('t', 'b', dynamodb, s3, days), reader: quarantineReader('t', 'b', dynamodb, s3, now) }
}

test.each([
  ['an event', aQuarantinedEvent()],
  // Random, so that it does not compress enough to fit into an item.
  ['an event with a large body', aQuarantinedEvent({ form: 'text', body: randomBytes(400_000).toString('base64') })],
])('%s that is quarantined after its item has expired begins again', async (_, event) => {
  const { clock, store, reader } = expiring()
  const key = quarantineKey(event)
  for (let n = 0; n < 5; n++) await store.add([{ ...event, size: 900_000, mayHaveBeenFolded: true }])
  const before = await reader.read(key)
  await reader.noteReplayed({ key, count: 5, ...(before?.first !== undefined && { first: before.first }) }, 5)
  clock.now += 91 * DAY_MS
  expect(await reader.read(key)).toBeUndefined()
  await store.add([{ ...event, message: 'Another reason.', received: clock.now }])
  const again = await reader.read(key)
  expect(again).toEqual({
    ...event,
    key,
    count: 1,
    message: 'Another reason.',
    received: clock.now,
    position: 0,
    first: again?.first,
  })
  expect(again?.first).not.toBe(before?.first)
})

test('an occurrence counts once when it begins an expired item again, and others count beside it', async () => {
  const { clock, store, reader } = expiring()
  const at = (occurrence: string) => aQuarantinedEvent({ occurrence })
  await store.add([at('1#0')])
  clock.now += 91 * DAY_MS
  for (const occurrence of ['2#0', '2#0', '3#0']) await store.add([at(occurrence)])
  expect(await reader.read(quarantineKey(aQuarantinedEvent()))).toMatchObject({ count: 2 })
})

test.each([
  ['a bundle', Array.from({ length: 11 }, (_, n) => aQuarantinedEvent({ body: String(n) }))],
  ['an event with a large body', [aQuarantinedEvent({ form: 'line', body: randomBytes(400_000).toString('base64') })]],
])(
  'the object of %s is renewed with its item, also if the SDK sends each write again after a lost response',
  async (_, events) => {
    const { dynamodb, s3, objects } = quarantineStores()
    const { send } = dynamodb as { send: (command: unknown) => Promise<unknown> }
    const retrying: DynamoDBClient = Object.assign(Object.create(dynamodb), {
      send: async (command: unknown) => {
        await send(command)
        return send(command)
      },
    })
    const quarantine = requestQuarantine(quarantineStore('t', 'b', retrying, s3, { days: 90, now: () => 10 * DAY_MS }))
    await quarantine.add(events)
    const names = [...objects.keys()]
    expect(names).toHaveLength(1)
    objects.clear()
    await quarantine.add(events)
    expect([...objects.keys()]).toEqual(names)
  },
)
