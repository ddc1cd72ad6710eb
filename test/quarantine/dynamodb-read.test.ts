import { randomBytes } from 'node:crypto'
import { scanQuarantine } from '../../cli/quarantine/scan.ts'
import { quarantineStore } from '../../lambdas/quarantine/dynamodb.ts'
import { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'
import { aRefusedEvent } from '../fixtures/builders.ts'

/** Does not fit into an item, however it is compressed. */
const large = aRefusedEvent({ form: 'text', type: null, body: randomBytes(400_000).toString('base64') })

async function keeping(...events: QuarantinedEvent[]) {
  const { dynamodb, s3, objects } = quarantineStores()
  const aside = quarantineStore('t', 'b', dynamodb, s3)
  for (const event of events) await aside.add([event])
  return { aside, dynamodb, objects, kept: quarantineReader('t', 'b', dynamodb, s3) }
}

test.each([
  ['in the table', aRefusedEvent({ id: 'e1', body: '{"a":"\u{1f600}"}' }), 0],
  ['with a large body in the bucket', large, 1],
])('an event kept %s is read as it came', async (_, event, objectsKept) => {
  const { kept, objects } = await keeping(event)
  expect(objects.size).toBe(objectsKept)
  expect(await kept.read(quarantineKey(event))).toEqual({ ...event, key: quarantineKey(event), count: 1 })
})

test('an event that comes again is counted, and the first arrival stands', async () => {
  const { kept } = await keeping(aRefusedEvent(), aRefusedEvent({ received: 9, count: 2 }))
  expect(await kept.read(quarantineKey(aRefusedEvent()))).toMatchObject({ received: 5, count: 3 })
})

test('an event goes with its body, unless it came again since it was read', async () => {
  const { aside, kept, objects } = await keeping(large)
  const before = (await kept.read(quarantineKey(large))) ?? fail()
  await aside.add([{ ...large, received: large.received }])
  expect(await kept.remove(before)).toBe(false)
  const now = (await kept.read(before.key)) ?? fail()
  expect(now).toMatchObject({ count: 2 })
  expect(await kept.remove(now)).toBe(true)
  expect(await kept.read(before.key)).toBeUndefined()
  expect(objects.size).toBe(0)
})

test('an event that is refused again says why this time; one that is gone does not come back', async () => {
  const { kept } = await keeping(aRefusedEvent())
  const key = quarantineKey(aRefusedEvent())
  await kept.amend(key, reject('date_missing'))
  expect(await kept.read(key)).toMatchObject(aRefusedEvent({ code: 'date_missing', message: reject('date_missing').message }))
  await kept.amend('gone', reject('date_missing'))
  expect(await kept.read('gone')).toBeUndefined()
})

test('a list tells of every event what reading it tells, but for what was sent', async () => {
  const { dynamodb, kept } = await keeping(aRefusedEvent(), large)
  for (const item of await scanQuarantine(dynamodb, 't')) {
    const { form: _form, body: _body, ...facts } = (await kept.read(item.key)) ?? fail()
    expect(item).toEqual(facts)
  }
  expect(await scanQuarantine(dynamodb, 't')).toHaveLength(2)
})

const fail = (): never => {
  throw new Error('It is not kept.')
}
