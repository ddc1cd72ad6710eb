import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { LocalOutputs } from '../../shared/outputs.ts'
import { type ChangedCopy, changedCopy } from '../fixtures/changed-copy.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { movableClock } from '../fixtures/moved-clock.ts'
import { ownPorts } from '../fixtures/own-ports.ts'

// A copy of the product on a local cloud of its own, whose clock the test moves.
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-resends-'))
const MINUTE = 60
const DAY = 86_400
const MILLISECONDS = 1000
const env = { ...process.env, ...(await ownPorts()).variables }
const START = Math.floor(Date.now() / 60_000) * MINUTE

let copy: ChangedCopy
let move: (seconds: number) => void
let outputs: LocalOutputs

beforeAll(
  async () => {
    copy = changedCopy(folder, env)
    move = movableClock(copy, folder)
    const { code, stderr } = await copy.millrace('up', '--detach')
    if (code !== 0) throw new Error(stderr)
    outputs = JSON.parse(readFileSync(path.join(folder, '.millrace/outputs.json'), 'utf8'))
  },
  10 * MINUTE * MILLISECONDS,
)

afterAll(async () => {
  await copy.millrace('down')
  rmSync(folder, { recursive: true, force: true })
}, MINUTE * MILLISECONDS)

async function post(route: string, body: unknown): Promise<void> {
  const headers = { authorization: `Bearer ${outputs.writeKey}`, 'content-type': 'application/json' }
  const response = await fetch(`${outputs.apiUrl}${route}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(await response.json()).toMatchObject({ success: true, quarantined: [] })
}

/** Events of three users, as their senders have them in a queue. `n` is in their ids, and in their times. */
const actions = (n: number, count = 3) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ type: 'app_action', id: `a-${n}-${i}` },
    data: {
      ...{ user_id: 1, app_name: 'app', event_action: 'click', event_category: 'c' },
      event_time: new Date((START + n + i) * MILLISECONDS).toISOString().slice(0, 19).replace('T', ' '),
    },
  }))
const readings = (n: number, count = 3) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ type: 'reading', id: `r-${n}-${i}` },
    data: { device_id: 'd', timestamp: START + n + i / 10, temperature: 20, event_duration: 1, status: 'ok' },
  }))
const visits = (n: number, count = 1) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ type: 'track', event: 'page_visit', userId: '2', messageId: `v-${n}-${i}` },
    timestamp: new Date((START + n) * MILLISECONDS).toISOString(),
    properties: { Id: 2, Url: `/${n}`, Timestamp: START + n },
  }))

/** The SDK of a web page states the time at which it sends, and each event keeps its own. */
async function send(n: number, ahead: number, count?: number): Promise<void> {
  await post('/v1/events', [...actions(n, count), ...readings(n, count)])
  await post('/v1/batch', { batch: visits(n, count), sentAt: new Date(Date.now() + ahead * MILLISECONDS).toISOString() })
}

async function document(route: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const response = await fetch(`${outputs.apiUrl}/v1/projections/${route}`, {
    headers: { authorization: `Bearer ${outputs.readKey}` },
  })
  return ((await response.json()) as { data: Readonly<Record<string, unknown>>[] }).data[0]
}

const counted = async () => {
  const [activity, minute, urls] = await Promise.all(
    ['user-activity?key=1', 'device-minutes?key=d', 'recent-urls?key=2'].map(document),
  )
  return { actions: activity?.['events'], readings: minute?.['num_events'], urls: urls?.['last_5_urls'] }
}

/** What is counted once the last event of each user is: the events of a user are folded in the order of their arrival. */
async function countedUntil(last: number, before: Awaited<ReturnType<typeof counted>>) {
  let now = before
  await eventually(`the events of ${last} are in the documents`, async () => {
    now = await counted()
    const urls = now.urls as string[] | undefined
    return now.actions !== before.actions && now.readings !== before.readings && urls?.[0] === `/${last}`
  })
  return now
}

test(
  'an event that is sent again after 20 minutes, a day and 6 days is counted once; after 9 days it is forgotten',
  async () => {
    const nothing = { actions: undefined, readings: undefined, urls: undefined }
    await send(0, 0)
    let now = await countedUntil(0, nothing)
    expect(now).toEqual({ actions: 3, readings: 3, urls: ['/0'] })
    const urls = ['/0']
    for (const [n, ahead] of [20 * MINUTE, DAY, 6 * DAY].entries()) {
      move(ahead)
      await send(0, ahead)
      await send(n + 1, ahead, 1)
      now = await countedUntil(n + 1, now)
      urls.unshift(`/${n + 1}`)
      expect(now).toEqual({ actions: 4 + n, readings: 4 + n, urls })
    }
    move(9 * DAY)
    await send(0, 9 * DAY)
    await send(4, 9 * DAY, 1)
    await eventually('the three of each are counted again, and one more', async () => {
      const { actions, readings } = await counted()
      return actions === 6 + 3 + 1 && readings === 6 + 3 + 1
    })
  },
  5 * MINUTE * MILLISECONDS,
)
