import { replayDelta } from '../../lambdas/ingest/replay-delta.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { readItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { mergeBatch } from '../../lambdas/windows/merge-batch.ts'
import type { Projection } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'
import type { PartItem, WindowDelta } from '../../shared/state.ts'
import { parseUnmerged } from '../../shared/unmerged-delta.ts'
import { aUserItem } from '../fixtures/builders.ts'
import { newTable } from '../fixtures/new-table.ts'
import { Table } from '../simulation/table.ts'

const CHANGED_SECONDS = 1_700_000_000
const MINUTE_MS = 60_000
const state = { events: 1, temperature: [20], duration: [1] }
const deltaOf = (projection: string): WindowDelta => ({ projection, start: 0, order: 1_700_000_000_000_000, state })

/** Merges one change with a known delta and one of this projection, some minutes after the change. `wait`: the dial, in minutes. */
async function merge(projection: string, minutes: number, wait = 15) {
  const written: PartItem[] = []
  const quarantined: QuarantinedEvent[] = []
  const outbox = [deltaOf('device-minutes-r2'), deltaOf(projection)]
  const NewImage = userAttributes(aUserItem('a', { version: 1_700_000_000_000_000, outbox }))
  const merging = mergeBatch([{ dynamodb: { ApproximateCreationDateTime: CHANGED_SECONDS, NewImage } }], {
    table: {
      ...newTable,
      putPart: async item => {
        written.push(item)
        return 'written'
      },
    },
    quarantine: { add: async events => void quarantined.push(...events) },
    projections: [{ ...deviceMinutes, revision: 2 }],
    lifetime: { latenessMs: undefined, retentionMs: 0 },
    deploymentWaitMs: wait * MINUTE_MS,
    telemetry: { count: () => undefined, annotate: () => undefined },
    now: () => CHANGED_SECONDS * 1000 + minutes * MINUTE_MS,
  })
  const [result] = await Promise.allSettled([merging])
  const { message } = result?.status === 'rejected' ? (result.reason as Error) : {}
  return { result: message ?? result?.status, written: written.map(({ projection: key }) => key), quarantined }
}

test.each(['device-minutes-r3', 'visits-r1', 'odd'])('a delta of %s, which only newer code knows, is waited for', async key => {
  expect(await merge(key, 14.9)).toEqual({
    result: `This code does not know the projections ${key}. The batch is delivered again for 15 minutes, then the deltas are quarantined. Deploy a catalogue that has them.`,
    written: ['device-minutes-r2'],
    quarantined: [],
  })
})

test.each([
  [1, 'for 1 minute.'],
  [30, 'for 30 minutes.'],
])('a stage whose dial is %d minutes waits as long, and its messages say so', async (wait, text) => {
  const waiting = await merge('visits-r1', wait - 0.1, wait)
  expect([waiting.quarantined, waiting.result]).toEqual([[], expect.stringContaining(text.replace('.', ','))])
  const { quarantined } = await merge('visits-r1', wait, wait)
  expect(quarantined).toMatchObject([{ code: 'not_merged', message: expect.stringContaining(text) }])
})

test('after 15 minutes a delta that no code knows is quarantined, with everything to merge it', async () => {
  const { quarantined, ...rest } = await merge('visits-r1', 15)
  expect(rest).toEqual({ result: 'fulfilled', written: ['device-minutes-r2'] })
  expect(quarantined).toEqual([
    expect.objectContaining({
      code: 'not_merged',
      message: expect.stringMatching(/visits-r1 for 15 minutes\. /),
      received: 1_700_000_000_000,
      body: JSON.stringify({ projection: 'visits-r1', start: 0, user: 'a', ord: 1_700_000_000_000_000, state }),
    }),
  ])
})

test('a delta that was given up is merged, in its order, when code knows its projection; a replay then only ends', async () => {
  const memory = new Table()
  const table = stateTable('t', memory.operations())
  const quarantined: QuarantinedEvent[] = []
  const lifetime = { latenessMs: undefined, retentionMs: 0 }
  const windows = (order: number, known: Projection[]) =>
    mergeBatch(
      [
        {
          dynamodb: {
            ApproximateCreationDateTime: 0,
            NewImage: userAttributes(aUserItem('a', { version: order, outbox: [{ ...deltaOf('visits-r1'), order }] })),
          },
        },
      ],
      {
        table,
        quarantine: { add: async events => void quarantined.push(...events) },
        projections: known,
        lifetime,
        deploymentWaitMs: 15 * MINUTE_MS,
        telemetry: { count: () => undefined, annotate: () => undefined },
        now: () => CHANGED_SECONDS * 1000,
      },
    )
  const visits = { ...deviceMinutes, name: 'visits' }
  const replay = () =>
    replayDelta(parseUnmerged(quarantined[0]?.body ?? ''), {
      table,
      projections: [visits],
      lifetime,
      now: () => CHANGED_SECONDS * 1000,
      dryRun: false,
    })
  await windows(7, [])
  expect(quarantined).toHaveLength(1)
  expect(await replay()).toMatchObject({ code: 'unavailable' })
  await windows(9, [visits])
  const merged = [...memory.items.values()].map(readItem)
  expect(merged).toEqual([expect.objectContaining({ version: 9, state: expect.objectContaining({ events: 2 }) })])
  expect(await replay()).toBeUndefined()
  expect([...memory.items.values()].map(readItem)).toEqual(merged)
})

test.each([0, 20])('a delta of a retired revision is neither waited for nor quarantined, after %d minutes', async minutes => {
  expect(await merge('device-minutes-r1', minutes)).toEqual({
    result: 'fulfilled',
    written: ['device-minutes-r2'],
    quarantined: [],
  })
})
