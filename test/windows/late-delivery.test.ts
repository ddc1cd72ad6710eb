import { replayDelta } from '../../lambdas/ingest/replay-delta.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { isPartItem, readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { isLate } from '../../lambdas/state/lateness.ts'
import { windowLifetime } from '../../lambdas/window-lifetime.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import { parseUnmerged } from '../../shared/unmerged-delta.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { idLists } from '../fixtures/id-lists.ts'
import { SimQuarantine } from '../simulation/quarantine.ts'
import { Table } from '../simulation/table.ts'

const START = 1_700_000_040
const HOUR = 3_600_000
const DAY = 24 * HOUR
/** A record that waited in the event stream for as long as Lambda allows, and its changes in the table's stream. */
const LONGEST_WAIT = 7 * DAY + 23 * HOUR

const own = perUserWindow({ ...idLists, name: 'own', key: 'user', document: ids => ({ ids }) })
/** Its two slots reject the delta of this id. */
const all = (broken?: string) =>
  perWindow({
    ...{ ...idLists, name: 'all', slots: 2, document: ids => ({ ids }) },
    merge(a: string[], b: string[]) {
      if (broken !== undefined && b.includes(broken)) throw new Error('broken')
      return idLists.merge(a, b)
    },
  })

/** A change with a delta of an event that arrived this number of hours after the begin of its window. */
const change = (user: string, hours: number, id: string, projection: string) => {
  const order = START * 1_000_000 + hours * HOUR * 1000
  const outbox = [{ projection, start: START, order, state: [id] }]
  return { dynamodb: { ApproximateCreationDateTime: 0, NewImage: userAttributes(aUserItem(user, { version: order, outbox })) } }
}

/** A table that deletes what has expired, the windows function of a stage, and the replay of what it quarantined. */
function aStage() {
  const clock = { now: START * 1000 }
  const memory = new Table(() => clock.now)
  const table = stateTable('t', memory.operations())
  const quarantine = new SimQuarantine()
  const shared = { table, lifetime: windowLifetime({ LATENESS_HOURS: '1' }), now: () => clock.now }
  const windows = (batch: Parameters<typeof mergeBatch>[0], projections: readonly Projection[]) =>
    mergeBatch(batch, {
      ...{ ...shared, projections, deploymentWaitMs: 900_000 },
      quarantine: { add: async events => events.forEach(event => void quarantine.add(event)) },
      telemetry: { count: () => undefined, annotate: () => undefined },
    })
  const pass = (ms: number) => {
    clock.now += ms
    for (const [key, { ttl }] of memory.items) if (Number(ttl?.N) * 1000 < clock.now) memory.remove(key, true)
  }
  const states = () =>
    [...memory.items.values()]
      .map(readItem)
      .filter(isPartItem)
      .map(({ state }) => state)
  const replays = (projections: readonly Projection[]) =>
    Promise.all(
      quarantine.events().map(({ body }) => replayDelta(parseUnmerged(body), { ...shared, projections, dryRun: false })),
    )
  return { windows, pass, states, replays }
}

test('an event that is not late finds its window, although it waited for as long as Lambda allows', async () => {
  const { windows, pass, states } = aStage()
  await windows([change('anna', 0, 'a', 'own-r1')], [own])
  expect(isLate(START * 1000 + HOUR, (START + 60) * 1000, { latenessMs: HOUR })).toBe(false)
  pass(HOUR + LONGEST_WAIT)
  await windows([change('anna', 1, 'b', 'own-r1')], [own])
  expect(states()).toEqual([['a', 'b']])
})

test('a delta that was stored for a later deployment is merged into its window after the longest wait', async () => {
  const { windows, pass, states } = aStage()
  await windows([change('anna', 0, 'a', 'own-r1')], [own])
  await windows([change('anna', 0.5, 'b', 'own-r1')], [])
  pass(LONGEST_WAIT)
  await windows([], [own])
  expect(states()).toEqual([['a', 'b']])
})

test('a delta is replayed as long as no slot can have expired, and not after that', async () => {
  const { windows, pass, states, replays } = aStage()
  await windows(
    ['anna', 'bob', 'carl', 'dora'].map(user => change(user, 0, user, 'all-r1')),
    [all()],
  )
  // It is late and rejected, and its slot lives for an hour longer.
  await windows([change('anna', 1, 'x', 'all-r1')], [all('x')])
  pass(HOUR + LONGEST_WAIT)
  expect(states()).toHaveLength(2)
  pass(DAY + 1.5 * HOUR)
  expect(states()).toHaveLength(1)
  expect(await replays([all()])).toMatchObject([{ code: 'not_merged', message: expect.stringContaining('expired') }])
})
