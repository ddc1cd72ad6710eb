import fc from 'fast-check'
import * as z from 'zod/mini'
import { replayDelta } from '../../lambdas/ingest/replay-delta.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { isPartItem, readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { userFold } from '../../lambdas/state/fold-record.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { windowsToSweep } from '../../lambdas/windows/plan-sweep.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import type { WindowLifetime } from '../../shared/grain.ts'
import { MAX_PASSED_OVER } from '../../shared/grains/merge.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem } from '../../shared/state.ts'
import { parseUnmerged } from '../../shared/unmerged-delta.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { aStoredUser, memory as memoryRules } from '../fixtures/memory.ts'
import { Table } from '../simulation/table.ts'

interface State {
  readonly orders: readonly number[]
  readonly users: number
}

const NOW = 1_700_000_000_000
const common = {
  on: [pageVisit],
  window: 60,
  at: () => 0,
  initial: (): State => ({ orders: [], users: 0 }),
  fold: (state: State) => state,
  shape: z.object({ orders: z.array(z.int()), users: z.int() }),
}

/** Windows of a user and over all users. Their code throws on deltas with these orders. */
function catalogue(...broken: number[]): Projection[] {
  const merge = (a: State, b: State, users: number): State => {
    if (b.orders.some(order => broken.includes(order))) throw new Error('broken')
    return { orders: [...a.orders, ...b.orders], users: a.users + users }
  }
  const document = (state: State) => ({ ...state })
  return [
    perUserWindow({ ...common, name: 'own', revision: 1, merge: (a, b) => merge(a, b, 0), key: 'user', document }),
    perWindow({
      ...common,
      name: 'all',
      revision: 1,
      slots: 1,
      merge: (a, b, { firstOfUser }) => merge(a, b, firstOfUser ? 1 : 0),
      document,
    }),
  ]
}

/** A table, the windows function, and the replay of what it quarantined. */
function aStage(lifetime: WindowLifetime = { latenessMs: undefined, retentionMs: 0 }) {
  const memory = new Table()
  const table = stateTable('t', memory.operations())
  const quarantined: QuarantinedEvent[] = []
  const merge = (user: string, orders: readonly number[], projections = catalogue()) => {
    const outbox = orders.flatMap(order =>
      ['own', 'all'].map(name => ({ projection: `${name}-r1`, start: 0, order, state: { orders: [order], users: 1 } })),
    )
    const changes = outbox.map(delta => ({
      dynamodb: { NewImage: userAttributes(aUserItem(user, { version: delta.order, outbox: [delta] })) },
    }))
    return mergeBatch(changes, {
      table,
      quarantine: { add: async events => void quarantined.push(...events) },
      projections,
      lifetime,
      deploymentWaitMs: 900_000,
      telemetry: { count: () => undefined, annotate: () => undefined },
      now: () => NOW,
    })
  }
  const replay = (event: QuarantinedEvent | undefined, projections = catalogue(), dryRun = false, through = table) =>
    replayDelta(parseUnmerged(event?.body ?? ''), { table: through, projections, lifetime, now: () => NOW, dryRun })
  const items = () => [...memory.items.values()].map(readItem).filter(isPartItem)
  const ordersOf = (name: string) => (item(name)?.state as State | undefined)?.orders.toSorted((a, b) => a - b)
  const item = (name: string) => items().find(({ projection }) => projection === `${name}-r1`)
  const of = (name: string) => quarantined.filter(({ body }) => body.includes(`"${name}-r1"`))
  return { memory, table, quarantined, merge, replay, item, ordersOf, of }
}

test.each(['own', 'all'])('a delta that a window of %s rejected is in it after a replay, once', async name => {
  const { merge, replay, item, of } = aStage()
  await merge('anna', [1, 2, 3], catalogue(2))
  expect(item(name)).toMatchObject({ state: { orders: [1, 3] }, passedOver: { needsRebuild: false } })
  const before = item(name)?.version ?? 0
  expect(await replay(of(name)[0])).toBeUndefined()
  expect(item(name)).toMatchObject({ state: { orders: [1, 3, 2] } })
  expect(item(name)?.passedOver).toBeUndefined()
  expect(item(name)?.version).toBeGreaterThan(before)
  const after = item(name)
  expect(await replay(of(name)[0])).toBeUndefined()
  expect(item(name)).toEqual(after)
})

test('the next delta of a window counts although its order number is the version that a replay gave it', async () => {
  const { merge, replay, item, of } = aStage()
  await merge('anna', [1, 2], catalogue(1))
  await replay(of('own')[0])
  expect(item('own')).toMatchObject({ version: 3, lastOrder: 2 })
  await merge('anna', [2, 3])
  expect(item('own')).toMatchObject({ version: 4, lastOrder: 3, state: { orders: [2, 1, 3] } })
  await merge('anna', [3, 9])
  expect(item('own')).toMatchObject({ version: 9, state: { orders: [2, 1, 3, 9] } })
  expect(item('own')?.lastOrder).toBeUndefined()
})

test('a user whose only delta was rejected is counted by its replay, and only once', async () => {
  const { merge, replay, item, of } = aStage()
  await merge('bob', [5])
  await merge('anna', [1], catalogue(1))
  expect(item('all')).toMatchObject({ state: { users: 1 } })
  await replay(of('all')[0])
  expect(item('all')).toMatchObject({ state: { orders: [5, 1], users: 2 } })
  await merge('anna', [7])
  expect(item('all')).toMatchObject({ state: { users: 2 } })
})

test('a user who was counted before is not counted again by a replay', async () => {
  const { merge, replay, item, of } = aStage()
  await merge('anna', [1, 2], catalogue(1))
  await replay(of('all')[0])
  expect(item('all')).toMatchObject({ state: { orders: [2, 1], users: 1 } })
})

test('a delta that the projection still rejects stays, with the reason, and changes nothing', async () => {
  const { merge, replay, item, of } = aStage()
  await merge('anna', [1, 2], catalogue(2))
  const before = item('own')
  expect(await replay(of('own')[0], catalogue(2))).toMatchObject({
    code: 'not_merged',
    message: expect.stringContaining('threw'),
  })
  expect(item('own')).toEqual(before)
  expect(await replay(of('own')[0], [])).toMatchObject({ message: expect.stringContaining('no projection own-r1') })
})

test('a dry run changes nothing', async () => {
  const { merge, replay, item, of } = aStage()
  await merge('anna', [1, 2], catalogue(2))
  const before = item('all')
  expect(await replay(of('all')[0], catalogue(), true)).toBeUndefined()
  expect(item('all')).toEqual(before)
})

test.each(['own', 'all'])('a replay whose put loses to a newer delta of %s merges into what that left', async name => {
  const { table, merge, replay, item, of } = aStage()
  await merge('anna', [1, 2], catalogue(2))
  const newer = [() => merge('anna', [3])]
  const readPart: typeof table.readPart = async key => {
    const found = await table.readPart(key)
    await newer.pop()?.()
    return found
  }
  expect(await replay(of(name)[0], catalogue(), false, { ...table, readPart })).toBeUndefined()
  expect(item(name)).toMatchObject({ state: { orders: [1, 3, 2] } })
})

test('a delta that was merged by a later attempt is not merged again', async () => {
  const { memory, merge, replay, item, of } = aStage()
  await merge('anna', [1], catalogue(1))
  memory.items.clear()
  await merge('anna', [1])
  expect(await replay(of('own')[0])).toBeUndefined()
  expect(item('own')).toMatchObject({ state: { orders: [1] } })
})

test('a delta that its window has not reached yet stays', async () => {
  const { memory, merge, replay, of } = aStage()
  await merge('anna', [1], catalogue(1))
  memory.items.clear()
  for (const name of ['own', 'all']) expect(await replay(of(name)[0])).toMatchObject({ code: 'unavailable' })
  expect(memory.items.size).toBe(0)
})

test('a delta of an expired window stays, because the window would begin again with it alone', async () => {
  const { memory, merge, replay, of } = aStage({ latenessMs: 1000, retentionMs: 1000 })
  await merge('anna', [1], catalogue(1))
  memory.items.clear()
  expect(await replay(of('all')[0])).toMatchObject({ code: 'not_merged', message: expect.stringContaining('expired') })
})

test('a delta of a window over all users stays when other slots may have expired, although its own slot is there', async () => {
  const { merge, replay, item, of } = aStage({ latenessMs: 0, retentionMs: 0 })
  await merge('anna', [1, 2], catalogue(2))
  expect(await replay(of('all')[0])).toMatchObject({ message: expect.stringContaining('expired') })
  expect(item('all')).toMatchObject({ version: 1, state: { orders: [1] } })
  expect(await replay(of('own')[0])).toBeUndefined()
  expect(item('own')).toMatchObject({ state: { orders: [1, 2] } })
})

test('a window of a user that a replay changes does not expire before the sweep of an erasure at the same time', async () => {
  const { merge, replay, item, of } = aStage({ latenessMs: 0, retentionMs: 3_600_000 })
  await merge('anna', [1, 2], catalogue(2))
  expect(item('own')?.ttl).toBeLessThan(NOW / 1000)
  expect(await replay(of('own')[0])).toBeUndefined()
  expect(item('own')?.ttl).toBe(NOW / 1000 + 3600 + 86_400)
})

test('of more deltas than a window notes, the noted ones are merged and the others need a rebuild', async () => {
  const { merge, replay, item, of } = aStage()
  const orders = Array.from({ length: MAX_PASSED_OVER + 1 }, (_, i) => i + 1)
  await merge('anna', orders, catalogue(...orders))
  const [tooMany, first] = of('own')
  expect(await replay(tooMany)).toMatchObject({ message: expect.stringContaining('rebuild') })
  expect(await replay(first)).toBeUndefined()
  expect(item('own')).toMatchObject({ state: { orders: [1] } })
})

test('a delta of a user that was erased since is not merged into a window of the user', async () => {
  const { table, merge, replay, item, of } = aStage()
  await merge('anna', [1, 2], catalogue(1))
  await table.putUser(aUserItem('anna', { version: 9, erasedOrder: 9 }), undefined)
  const before = item('own')
  expect(await replay(of('own')[0])).toBeUndefined()
  expect(item('own')).toEqual(before)
  expect(await replay(of('all')[0])).toBeUndefined()
  expect(item('all')).toMatchObject({ state: { orders: [2, 1] } })
})

test('an erasure covers a window that replays raised above the order number of its user', async () => {
  const { merge, replay, item, of } = aStage()
  await merge('anna', [1, 2, 3], catalogue(1, 2))
  for (const delta of of('own')) await replay(delta)
  const raised = item('own') as PartItem
  expect(raised).toMatchObject({ version: 5, lastOrder: 3 })
  const record = { sequenceNumber: '4', received: 0, arrived: 0, events: [], positions: [], erasure: true }
  const rules = { projections: catalogue(), memory: memoryRules, latenessMs: undefined, retentionMs: 0 }
  const { item: erased } = userFold(aStoredUser('anna', aUserItem('anna', { version: 3 })), rules).fold(record)
  expect(windowsToSweep(erased, [raised])).toEqual([raised])
})

test('replays beside the windows function, lost responses and repetitions merge each delta once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(1), fc.nat(9)), { maxLength: 12 }), async steps => {
      const { memory, table, merge, replay, ordersOf, quarantined } = aStage()
      await merge('anna', [1, 2, 3], catalogue(2, 3))
      let next = 4
      for (const [kind, at] of steps) {
        const event = quarantined[at % quarantined.length]
        const lost = {
          ...table,
          putPart: async (...put: Parameters<typeof table.putPart>) => {
            await table.putPart(...put)
            throw new Error('socket hang up')
          },
        }
        if (kind === 0) await merge('anna', [next++])
        else if (at > 5) await replay(event)
        else
          await replayDelta(parseUnmerged(event?.body ?? ''), {
            table: lost,
            projections: catalogue(),
            lifetime: { latenessMs: undefined, retentionMs: 0 },
            now: () => NOW,
            dryRun: false,
          }).catch(() => undefined)
      }
      for (const event of quarantined) await replay(event)
      for (const name of ['own', 'all']) expect(ordersOf(name)).toEqual(Array.from({ length: next - 1 }, (_, i) => i + 1))
      expect(memory.items.size).toBe(2)
    }),
    { numRuns: 50 },
  )
})
