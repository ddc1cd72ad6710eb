import { gzipSync } from 'node:zlib'
import { simulatedLines } from '../../../cli/simulate.ts'
import { rollDice } from '../../../cli/simulators/dice.ts'
import { addClientFaults } from '../../../cli/simulators/disturb.ts'
import type { Dice, Simulator } from '../../../cli/simulators/simulator.ts'
import { simulators } from '../../../cli/simulators/simulators.ts'
import { isObject } from '../../../shared/json.ts'

import { parsed } from './canonical.ts'

/** A request to ingest. */
export interface IngestRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

const SEED = 20260101
const ROWS = 2000
const bearer = { authorization: 'Bearer good' }
const basic = { authorization: `Basic ${Buffer.from('good:').toString('base64')}` }

type Row = Readonly<Record<string, unknown>>
type Form = (rows: readonly Row[], type: string, lines: readonly string[]) => IngestRequest

const idOf = ({ event_id }: Row): string => String(event_id)

/** The same rows in every format that ingest accepts. */
const forms: readonly Form[] = [
  (_, type, lines) => ({
    path: `/v1/events/${type}`,
    headers: { ...bearer, 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  }),
  (_, type, lines) => ({ path: `/v1/events/${type}/`, headers: basic, body: gzipSync(`${lines.join('\r\n\n')}\n`) }),
  (rows, type) => ({ path: `/v1/events/${type}`, headers: { 'x-write-key': 'other' }, body: JSON.stringify(rows, null, 1) }),
  (rows, type) => ({
    path: '/v1/events',
    headers: { ...bearer, origin: 'https://app.example' },
    body: JSON.stringify(rows.map(row => ({ id: idOf(row), type, data: row }))),
  }),
  (rows, type) => ({
    path: '/v1/events',
    query: { writeKey: 'good' },
    body: Buffer.from(rows.map(row => JSON.stringify({ type, source: 'lines', data: row })).join('\n')),
  }),
  (rows, type) => ({
    path: '/v1/events',
    headers: { ...bearer, 'content-type': 'application/cloudevents-batch+json; charset=utf-8' },
    body: JSON.stringify(
      rows.map(row => ({
        specversion: '1.0',
        id: idOf(row),
        source: '/mill',
        type,
        time: '2026-01-01T00:10:00.123456Z',
        data: row,
      })),
    ),
  }),
  ([row = {}], type) => ({
    path: '/v1/events',
    headers: { ...bearer, 'ce-specversion': '1.0', 'ce-id': idOf(row), 'ce-source': '%C3%A9', 'ce-type': type },
    body: JSON.stringify(row),
  }),
  (rows, type) => ({
    path: '/v1/batch',
    headers: basic,
    body: JSON.stringify({
      batch: rows.map(row => ({ type: 'track', event: type, userId: 'u', messageId: `m-${idOf(row)}`, properties: row })),
      sentAt: '2026-01-01T00:39:00Z',
      context: { library: { name: 'analytics.js' } },
    }),
  }),
]

/** Rows of a simulator as faulty clients send them: in many formats, with some malformed lines and some repeated requests. */
async function workload(name: string): Promise<IngestRequest[]> {
  const { type } = simulators[name] as Simulator
  const lines = [...addClientFaults(await simulatedLines(name, { count: ROWS, seed: SEED }, 0), rollDice(SEED + 1))]
  return inRequests(lines, type, rollDice(SEED + 2))
}

function inRequests(lines: readonly string[], type: string, dice: Dice): IngestRequest[] {
  const requests: IngestRequest[] = []
  for (let at = 0; at < lines.length; ) {
    const some = lines.slice(at, at + dice.oneOf([1, 5, 20, 60, 150]))
    at += some.length
    const rows = some.map(parsed).filter(isObject)
    requests.push(dice.oneOf(forms)(rows, type, some))
    if (dice.happens(5)) requests.push(dice.oneOf(requests.slice(-4)))
  }
  return [...requests, ...requests.slice(0, 12)]
}

/** Every call of a Segment SDK, with users and ids as old and new versions send them. */
function traits(): IngestRequest[] {
  const dice = rollDice(SEED + 3)
  const call = (n: number): Row => {
    const type = dice.oneOf(['identify', 'identify', 'group', 'track', 'page', 'screen', 'alias'])
    return {
      type,
      ...(dice.happens(8) ? {} : { messageId: `c-${dice.happens(30) ? n - 1 : n}` }),
      ...(dice.happens(4)
        ? { anonymousId: `anon-${dice.integer(1, 9)}` }
        : { userId: dice.oneOf(['anna', 'bert', 7, 'céline', '']) }),
      ...(type === 'group' && { groupId: dice.oneOf(['g1', 'g2', 3, '']) }),
      ...(type === 'track' && { event: dice.oneOf(['Order Completed', 'page', 'millrace.x', 'interaction']), properties: { n } }),
      traits: {
        plan: dice.oneOf(['pro', 'free', null]),
        seen: n,
        [dice.oneOf(['a', 'b', '__proto__', 'constructor'])]: n % 3,
      },
      timestamp: dice.oneOf(['2026-01-01T00:20:00.5Z', 'yesterday', '2025-12-31T23:59:59+02:00']),
      originalTimestamp: dice.oneOf([undefined, '2026-01-01T00:19:59.000001Z']),
      context: { ip: '10.0.0.1', page: { path: '/é' } },
    }
  }
  const paths = ['/v1/batch', '/v1/b', '/beacon/v1/batch']
  const batches = Array.from({ length: 60 }, (_, n): IngestRequest => {
    const batch = Array.from({ length: dice.integer(1, 60) }, (_, i) => call(n * 100 + i))
    const body = JSON.stringify({ batch, sentAt: '2026-01-01T00:30:00Z', writeKey: dice.oneOf(['good', undefined]) })
    return { path: dice.oneOf(paths), query: { writeKey: 'good' }, body: dice.happens(3) ? gzipSync(body) : body }
  })
  return [...batches, ...singleCalls(), ...largeCalls(), ...batches.slice(3, 8)]
}

/** Every endpoint of single calls, with complete, partial and empty bodies. */
function singleCalls(): IngestRequest[] {
  return ['track', 't', 'page', 'p', 'identify', 'i', 'screen', 's', 'group', 'g', 'alias', 'a'].flatMap((name, n) =>
    [{ userId: 'anna', event: 'Seen', traits: { x: name }, messageId: name }, { anonymousId: 'b', groupId: 'g' }, {}].map(
      (body, i): IngestRequest => ({
        path: `/v1/${name}`,
        headers: basic,
        body: JSON.stringify({ ...body, n, i, writeKey: 'good' }),
      }),
    ),
  )
}

/** Traits of one user that together exceed the largest item. */
function largeCalls(): IngestRequest[] {
  return Array.from({ length: 12 }, (_, n): IngestRequest => {
    const body = { userId: 'big', groupId: `g${n}`, messageId: `big-${n}`, traits: { text: 'x'.repeat(30_000) } }
    return { path: '/v1/group', headers: basic, body: JSON.stringify(body) }
  })
}

/** The requests of every workload, by name. */
export async function workloads(): Promise<ReadonlyMap<string, readonly IngestRequest[]>> {
  const requests = new Map<string, readonly IngestRequest[]>()
  for (const name of Object.keys(simulators)) requests.set(name, await workload(name))
  requests.set('traits', traits())
  const mixed = [...requests.values()].flatMap(some => some.slice(0, 8))
  const dice = rollDice(SEED + 4)
  requests.set(
    'mixed',
    mixed
      .map(request => [dice.real(0, 1), request] as const)
      .sort(([a], [b]) => a - b)
      .map(([, request]) => request),
  )
  return requests
}
