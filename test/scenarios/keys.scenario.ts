import { s3Of } from '../../cli/clients.ts'
import { listObjects, readParquet } from '../../cli/parquet.ts'
import { findTarget, type Target } from '../../cli/target.ts'
import { ARCHIVE_PREFIX } from '../../shared/archive-columns.ts'
import { millrace, millraceJson } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { untilSettled } from '../fixtures/thread.ts'

const MINUTES = 60_000

interface CreatedKey {
  readonly id: string
  readonly name: string
  readonly key: string
  readonly scope: string
  readonly expires: string | null
}

let target: Target
let run: string
beforeAll(async () => {
  target = await findTarget(undefined)
  run = String(Date.now())
})

const create = (name: string, ...options: string[]): Promise<CreatedKey> =>
  millraceJson<CreatedKey>('keys', 'create', `${name}-${run}`, ...options)

async function send(key: string, events: unknown, { path = '/v1/events', headers = {} } = {}) {
  const init = { method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers }, body: JSON.stringify(events) }
  const response = await fetch(`${target.apiUrl}${path}`, init)
  const body = (await response.json()) as { code?: string; accepted?: number; quarantined?: { code: string }[] }
  return {
    status: response.status,
    headers: response.headers,
    body,
    code: body.code,
    codes: body.quarantined?.map(({ code }) => code),
  }
}

/** Waits until the key is unknown. A function caches a key for less than a minute. */
const rejected = (key: string) => eventually('the key is rejected', async () => (await send(key, [])).code === 'key_unknown', 75)

const note = (id: string, facts: object = {}) => ({ type: `note-${run}`, id: `${id}-${run}`, subject: `user-${run}`, ...facts })

/** The rows of the archive of this run, by id. */
async function archived(): Promise<Map<string, Record<string, unknown>>> {
  const bucket = target.outputs.ArchiveBucket
  const objects = await listObjects(s3Of(target), bucket, ARCHIVE_PREFIX)
  const rows = (await Promise.all(objects.map(object => readParquet(s3Of(target), bucket, object)))).flat()
  return new Map(
    rows.filter(row => String(row['event_id']).endsWith(run)).map(row => [String(row['event_id']).split('-')[0] ?? '', row]),
  )
}

test(
  'the archive names the key of each event; a client key cannot claim another source, and a replay gives a write key a source that it got later',
  async () => {
    const page = await create('page', '--scope', 'client', '--types', `note-${run}`)
    const shop = await create('shop', '--scope', 'write', '--source', `till-${run}`)
    expect(page).toEqual({
      id: expect.stringMatching(/^k_/),
      name: `page-${run}`,
      key: expect.stringMatching(/^mr_client_/),
      scope: 'client',
      expires: null,
    })
    expect(await send(page.key, [note('a', { source: shop.name, data: { n: 1 } }), { type: 'other' }])).toMatchObject({
      status: 200,
      body: { accepted: 1 },
      codes: ['type_not_allowed'],
    })
    const claims = [note('b'), note('c', { source: `till-${run}` }), note('d', { source: `billing-${run}` })]
    expect(await send(shop.key, claims)).toMatchObject({ status: 200, body: { accepted: 2 }, codes: ['source_not_allowed'] })
    const replay = () => millraceJson<object>('quarantine', 'replay', '--code', 'source_not_allowed', '--type', `note-${run}`)
    expect(await replay()).toMatchObject({ replayed: 0 })
    await millraceJson('keys', 'change', shop.id, '--source', `till-${run},billing-${run}`)
    expect(await replay()).toMatchObject({ replayed: 1 })
    await untilSettled(240)
    const rows = await archived()
    const facts = (id: string) => ['source', 'key_id', 'data'].map(column => rows.get(id)?.[column] ?? null)
    expect(facts('a')).toEqual([page.name, page.id, JSON.stringify({ n: 1, claimed_source: shop.name })])
    expect(['b', 'c', 'd'].map(facts)).toEqual(
      [shop.name, `till-${run}`, `billing-${run}`].map(source => [source, shop.id, null]),
    )
  },
  6 * MINUTES,
)

test('a page of another origin gets a 403 that it can read; a program without an origin is accepted', async () => {
  const { key } = await create('origins', '--scope', 'client', '--origins', 'https://shop.example.com')
  const from = (origin: string) => send(key, note('o'), { headers: { origin } })
  expect(await from('https://shop.example.com')).toMatchObject({ status: 200 })
  const refused = await from('https://evil.example.com')
  expect(refused).toMatchObject({ status: 403, code: 'key_origin' })
  expect(refused.headers.get('access-control-allow-origin')).toBe('*')
  expect((await send(key, note('o'))).status).toBe(200)
})

test('the quota of a key answers 429 with Retry-After, for this key only', async () => {
  const { key } = await create('flood', '--scope', 'client', '--quota', '100/minute,1000/day')
  const other = await create('calm', '--scope', 'client', '--quota', '100/minute')
  const events = Array.from({ length: 25 }, (_, n) => note(`f${n}`))
  const statuses: number[] = []
  // A minute may end between two requests.
  for (let n = 0; n < 10; n++) {
    const { status, headers, code } = await send(key, events)
    statuses.push(status)
    if (status === 200) continue
    expect([status, code]).toEqual([429, 'rate_limited'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  }
  const accepted = statuses.filter(status => status === 200).length
  expect(accepted).toBeGreaterThanOrEqual(4)
  expect(accepted).toBeLessThanOrEqual(8)
  expect((await send(other.key, events)).status).toBe(200)
})

test(
  'two keys of one name rotate: one is revoked by its id, and is rejected within a minute; the other keeps the source',
  async () => {
    const first = await create('rotating', '--scope', 'client')
    const second = await create('rotating', '--scope', 'client')
    for (const { key } of [first, second]) expect((await send(key, note('r'))).status).toBe(200)
    expect(await millraceJson('keys', 'revoke', first.id)).toEqual({ name: first.id, revoked: 1, ids: [first.id] })
    await rejected(first.key)
    expect((await send(second.key, note('r'))).status).toBe(200)
    const { code, stderr } = await millrace(['keys', 'revoke', first.id])
    expect([code, stderr]).toEqual([1, expect.stringContaining('keys list')])
  },
  3 * MINUTES,
)

test('a key that expires is rejected from then on; the list shows the rights and the use of keys', async () => {
  const expires = new Date(Date.now() + 8_000).toISOString()
  const { key, id } = await create('brief', '--scope', 'write', '--expires', expires, '--quota', '50/minute,60/day')
  expect((await send(key, note('e'))).status).toBe(200)
  const listed = (await millraceJson<{ id: string }[]>('keys', 'list')).find(each => each.id === id)
  const today = new Date().toISOString().slice(0, 10)
  expect(listed).toMatchObject({
    expires,
    lastUsed: today,
    quota: { minute: 50, day: 60 },
    today: expect.any(Number),
    types: '*',
  })
  await rejected(key)
})
