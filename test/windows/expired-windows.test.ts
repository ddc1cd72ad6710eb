import * as z from 'zod/mini'
import { withoutStates } from '../../cli/catalogue/remove.ts'
import { replayDelta } from '../../lambdas/ingest/replay-delta.ts'
import { indexBatch } from '../../lambdas/search/index-batch.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { isPartItem, readItem } from '../../lambdas/state/dynamodb-items.ts'
import { isLate } from '../../lambdas/state/lateness.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { mergeBatches } from '../../lambdas/windows/merge-batches.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { WindowLifetime } from '../../shared/grain.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { UserItem } from '../../shared/state.ts'
import { windowInstant } from '../../shared/time.ts'
import { parseUnmerged } from '../../shared/unmerged-delta.ts'
import { DocumentIndex } from '../fakes/document-index.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { Table } from '../simulation/table.ts'

const NOW = 1_700_000_040_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = NOW / 1000

interface Counted {
  readonly n: number
}

/** Windows of a user and over all users. They reject the delta of this number. */
function catalogue(broken?: number): Projection[] {
  const merge = (a: Counted, b: Counted) => {
    if (b.n === broken) throw new Error('broken')
    return { n: a.n + b.n }
  }
  const common = {
    ...{ on: [{ name: 'counted' } as EventType<Counted>], revision: 1, window: 60, at: () => 0, merge, shape: z.object({}) },
    initial: (): Counted => ({ n: 0 }),
    fold: (state: Counted) => state,
  }
  return [
    perUserWindow({ ...common, name: 'own', key: 'user', document: ({ n }, { user }) => ({ user, n }) }),
    perWindow({ ...common, name: 'all', slots: 2, document: ({ n }) => ({ n }) }),
  ]
}

/** A stage whose functions read all changes of the table, and whose table deletes what has expired. */
function aStage() {
  const clock = { now: NOW }
  const memory = new Table(() => clock.now)
  const table = stateTable('t', memory.operations())
  const quarantined: QuarantinedEvent[] = []
  const index = new DocumentIndex('own-r1', 'all-r1')
  const read = memory.streams.map(() => 0)
  const dependencies = {
    table,
    quarantine: { add: async (events: readonly QuarantinedEvent[]) => void quarantined.push(...events) },
    telemetry: { count: () => undefined, annotate: () => undefined },
    deploymentWaitMs: 900_000,
    now: () => clock.now,
  }
  const drain = async (lifetime: WindowLifetime, projections = catalogue()) => {
    for (let round = 0; round < 3; round++)
      for (const [shard, stream] of memory.streams.entries()) {
        const changes = stream.slice(read[shard])
        read[shard] = stream.length
        for (const change of changes) {
          await mergeBatch([change], { ...dependencies, projections, lifetime })
          await indexBatch([change], { ...dependencies, client: index.client, projections })
        }
      }
  }
  const expire = () => {
    for (const [key, { ttl }] of memory.items) if (Number(ttl?.N) * 1000 < clock.now) memory.remove(key, true)
  }
  const write = async (user: string, order: number, projection: string, start: number, n: number) => {
    const before = await table.readUser(user)
    const outbox = [{ projection, start, order, state: { n } }]
    await table.putUser(aUserItem(user, { version: order, outbox }), before?.version)
  }
  const slots = () => [...memory.items.values()].map(readItem).filter(isPartItem)
  return { clock, memory, table, quarantined, index, drain, expire, write, slots, dependencies }
}

const short: WindowLifetime = { latenessMs: HOUR, retentionMs: 48 * HOUR }

test('a window that ends days after its events arrived does not expire, so that a longer lateness cannot start it again', async () => {
  const { clock, table, index, drain, expire, write } = aStage()
  const start = START + (3 * DAY) / 1000
  const end = (start + 60) * 1000
  await table.recordLateness(HOUR, NOW)
  await write('anna', NOW * 1000, 'own-r1', start, 5)
  await drain(short)
  const bound = await table.recordLateness(undefined, NOW + HOUR)
  clock.now = end + 10 * DAY
  expire()
  expect(isLate(clock.now, end, bound)).toBe(false)
  await write('anna', clock.now * 1000, 'own-r1', start, 1)
  await drain({ ...short, latenessMs: undefined })
  expect(index.documentOf('own-r1', `anna#${windowInstant(start)}`)).toEqual({ user: 'anna', n: 6 })
})

test('a window of later events has an expiry once an event is near it', async () => {
  const { drain, write, slots } = aStage()
  const start = START + (3 * DAY) / 1000
  await write('anna', NOW * 1000, 'own-r1', start, 5)
  await drain(short)
  expect(slots().map(({ ttl }) => ttl)).toEqual([undefined])
  await write('anna', (NOW + 3 * DAY) * 1000, 'own-r1', start, 1)
  await drain(short)
  expect(slots()).toMatchObject([{ ttl: start + 60 + 73 * 3600 }])
})

test.each([undefined, 30 * DAY])(
  'a shorter lateness of a deployment that was rolled back before the state function had it still holds: back to %s',
  async latenessMs => {
    const { clock, memory, table, expire, write, slots, dependencies } = aStage()
    await table.recordLateness(latenessMs, NOW)
    await write('anna', NOW * 1000, 'own-r1', START, 5)
    const merge = mergeBatches({ ...dependencies, projections: catalogue(), lifetime: short })
    await merge(memory.streams.flat(), dependencies.telemetry)
    const bound = await table.recordLateness(latenessMs, NOW + HOUR)
    clock.now += 10 * DAY
    expire()
    expect(slots()).toEqual([])
    expect(isLate(clock.now, (START + 60) * 1000, bound)).toBe(true)
  },
)

test('the windows function records its lateness once, before its first batch, and again after a failure', async () => {
  const { dependencies } = aStage()
  const recorded: (number | undefined)[] = []
  const recordLateness = async (latenessMs: number | undefined) => {
    recorded.push(latenessMs)
    if (recorded.length === 1) throw new Error('throttled')
    return { latenessMs }
  }
  const table = { ...dependencies.table, recordLateness }
  const merge = mergeBatches({ ...dependencies, table, projections: catalogue(), lifetime: short })
  await expect(merge([], dependencies.telemetry)).rejects.toThrow('throttled')
  for (let batch = 0; batch < 2; batch++) await merge([], dependencies.telemetry)
  expect(recorded).toEqual([HOUR, HOUR])
})

/** Two users in different slots of a window. */
function usersOfSlots(): [string, string] {
  const [, all] = catalogue()
  const slotOf = (user: string) => all?.grain.parts?.addressOf(all, user, START).slot
  const users = Array.from({ length: 20 }, (_, n) => `user-${n}`)
  return [users.find(user => slotOf(user) === 0) ?? '', users.find(user => slotOf(user) === 1) ?? '']
}

test.each([true, false])(
  'a replayed delta obeys the shorter lateness under which slots have expired; recorded: %s',
  async isRecorded => {
    const { clock, quarantined, index, drain, expire, write, slots, dependencies } = aStage()
    const [a, b] = usersOfSlots()
    const { table } = dependencies
    await table.recordLateness(HOUR, NOW)
    await write(a, NOW * 1000, 'all-r1', START, 100)
    await write(b, NOW * 1000, 'all-r1', START, 1)
    // By a clock of ingest that is ahead, so that the slot expires later.
    await write(b, (NOW + 6 * HOUR) * 1000, 'all-r1', START, 7)
    await drain(short, catalogue(7))
    expect(index.documentOf('all-r1', windowInstant(START))).toEqual({ n: 101 })
    clock.now = NOW + 60_000 + short.retentionMs + DAY + 4 * HOUR
    expire()
    expect(slots()).toHaveLength(1)
    const lifetime = { ...short, latenessMs: 30 * DAY }
    if (isRecorded) await table.recordLateness(lifetime.latenessMs, clock.now)
    const delta = parseUnmerged(quarantined[0]?.body ?? '')
    expect(await replayDelta(delta, { ...dependencies, projections: catalogue(), lifetime, dryRun: false })).toMatchObject({
      message: expect.stringContaining('expired'),
    })
    await drain(lifetime)
    expect(index.documentOf('all-r1', windowInstant(START))).toEqual({ n: 101 })
  },
)

test('catalogue --remove starts no expired window of the last write of a user again', async () => {
  const { clock, table, index, drain, expire, write } = aStage()
  const shown = () => index.documentOf('own-r1', `anna#${windowInstant(START)}`)
  await write('anna', NOW * 1000, 'own-r1', START, 5)
  await write('anna', NOW * 1000 + 1, 'own-r1', START, 1)
  await drain(short)
  clock.now += 30 * DAY
  expire()
  const stored = (await table.readUser('anna')) as UserItem
  await table.putUser(withoutStates({ ...stored, states: { 'gone-r1': 1 } }, new Set(['gone-r1'])), stored.version)
  await drain(short)
  expect(shown()).toEqual({ user: 'anna', n: 6 })
  expect((await table.readUser('anna'))?.states).toEqual({})
})
