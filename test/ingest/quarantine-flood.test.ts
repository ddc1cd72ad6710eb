import { scanQuarantine } from '../../cli/quarantine/scan.ts'
import { quarantineStore, requestQuarantine } from '../../lambdas/quarantine/dynamodb.ts'
import { ingestInMemory, withKey } from '../fakes/ingest.ts'
import { quarantineStores } from '../fakes/quarantine-stores.ts'

/** The real ingest handler with the real quarantine over stores in memory. */
function ingestWithQuarantine() {
  const stores = quarantineStores()
  const quarantine = requestQuarantine(quarantineStore('t', 'b', stores.dynamodb, stores.s3))
  return { ...ingestInMemory({ quarantine }), stores, list: () => scanQuarantine(stores) }
}

const wrongRows = (count: number): string =>
  Array.from({ length: count }, (_, n) => JSON.stringify({ Id: 'x', Url: `/${n}`, Timestamp: n, event_id: `e${n}` })).join('\n')
const rows = { headers: { ...withKey, 'content-type': 'application/x-ndjson' } }

test.each([
  ['rows of a wrong type', 2_500, (n: number) => wrongRows(n)],
  ['lines that are not JSON', 10_000, (n: number) => Array.from({ length: n }, (_, i) => `bad ${i}`).join('\n')],
  ['events larger than 64 KB', 50, (n: number) => Array.from({ length: n }, (_, i) => `"${i}${'x'.repeat(70_000)}"`).join('\n')],
])('a request of nothing but %s costs one object and one item, and all of it is listed', async (_, count, body) => {
  const { request, stores, list } = ingestWithQuarantine()
  const response = await request('/v1/events/page_visit', { ...rows, body: body(count) })
  expect([response.status, response.body.accepted, response.body.quarantined.length]).toEqual([200, 0, count])
  expect(stores.asked.filter(name => /Put|Update/.test(name)).sort()).toEqual([
    'PutObjectCommand',
    'UpdateItemCommand',
    'UpdateItemCommand',
  ])
  expect(await list()).toHaveLength(count)
  const bytes = [...stores.objects.values()].reduce((sum, { length }) => sum + length, 0)
  expect(bytes).toBeLessThan(1_000_000)
})

test('the same flood again adds nothing but to a count', async () => {
  const { request, stores, list } = ingestWithQuarantine()
  for (let n = 0; n < 5; n++) await request('/v1/events/page_visit', { ...rows, body: wrongRows(2_500) })
  expect([stores.items.size, stores.objects.size]).toEqual([1, 1])
  const listed = await list()
  expect([listed.length, new Set(listed.map(({ count }) => count))]).toEqual([2_500, new Set([5])])
})

test.each(['PutObjectCommand', 'UpdateItemCommand'])(
  'if %s fails, the response is 503 and the next attempt stores all',
  async name => {
    const { request, stores, list } = ingestWithQuarantine()
    let broken: string | undefined = name
    for (const client of [stores.dynamodb, stores.s3]) {
      const { send } = client as unknown as { send: (command: object) => Promise<unknown> }
      Object.assign(client, {
        send: async (command: object) => {
          if (command.constructor.name === broken) throw new Error('unreachable')
          return send(command)
        },
      })
    }
    const post = () => request('/v1/events/page_visit', { ...rows, body: wrongRows(2_500) })
    expect(await post()).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(await list()).toEqual([])
    broken = undefined
    expect(await post()).toMatchObject({ status: 200 })
    expect((await list()).map(({ count }) => count)).toEqual(Array(2_500).fill(1))
  },
)

test('an event of 3 MB is one small item that says how large it was', async () => {
  const { request, stores, list } = ingestWithQuarantine()
  const body = JSON.stringify({ type: 'a', id: 'large', data: 'x'.repeat(3_000_000) })
  expect((await request('/v1/events', { ...rows, body })).body.quarantined).toMatchObject([{ code: 'event_too_large' }])
  expect(await list()).toMatchObject([
    {
      id: 'large',
      code: 'event_too_large',
      message: expect.stringMatching(/ Only the first 64 KB of its 3,000,0\d\d bytes are kept\.$/),
    },
  ])
  expect(stores.objects.size).toBe(0)
})
